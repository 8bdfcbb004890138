"""One round of the loop on real smears, beside bare ultralytics: `python -m benchmarks.loop [--small|--full] [--json]`.

From 100 labelled fields of txl-pbc the product trains a teacher, ranks a pool and distils a student, by its own
commands. Bare ultralytics trains on the same fields, from the same weights, for as many optimiser steps. Both are
measured on the same test fields by models_zoo.metrics. README.md beside this file defines every figure.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks import frame, looking, pace, smears
from benchmarks.bare import BareRequest, BareResult
from benchmarks.bare import train as train_bare
from benchmarks.frame import Outcome, Task
from benchmarks.pace import Pace
from benchmarks.product import Product
from benchmarks.smears import Smear
from models_zoo import machine
from models_zoo.generator import FieldSettings, generate_field
from models_zoo.records import TrainRequest

DATA = "txl-pbc"
PROJECT = "loop"
VARIANT = "yolo26n"
LARGE, CELLS = 2048, 300.0
# Without these there would be no same starting point: then both sides start from the architecture alone.
STARTER = frame.ROOT / "models_zoo" / "yolo" / "starter" / f"{VARIANT}.pt"


@dataclass(frozen=True, slots=True)
class Setting:
    """`parts` counts fields; epochs of the teacher and of the student; bare ultralytics gets the teacher's steps."""

    parts: Mapping[str, int]
    epochs: int
    student_epochs: int
    seeds: tuple[int, ...]


SETTINGS = {
    "small": Setting({"train": 100, "val": 30, "tuning": 60, "pool": 120, "test": 150}, 16, 8, (0,)),
    "full": Setting({"train": 100, "val": 60, "tuning": 120, "pool": 300, "test": 270}, 40, 20, (0, 1, 2)),
}
IMPORTED = ("train", "val", "tuning", "test")


def measure(task: Task, setting: Setting | None = None) -> Outcome:
    setting = setting or SETTINGS[task.setting]
    root = frame.data_folder(DATA)
    every = smears.read(root)
    kept, dropped = smears.without_twins(every)
    task.say(f"{len(every)} fields, {len(dropped)} twins removed, {len(kept)} left")
    details: dict[str, Any] = {
        "fields": len(every),
        "twins_removed": dict(Counter(smear.split for smear, _ in dropped)),
        "settings": asdict(setting),
        "starting_weights": "starter weights" if STARTER.is_file() else "scratch",
        "load_before": frame.load(),
        "rounds": [],
    }
    for seed in setting.seeds:
        turn = Turn(task, setting, seed, kept, smears.class_names(root))
        details["rounds"].append(turn.play())
    figures = mean_figures([row["figures"] for row in details["rounds"]])
    figures |= {"twins_removed": len(dropped), "load_highest": max(row["load_highest"] for row in details["rounds"])}
    details["load_after"] = frame.load()
    return Outcome(figures, details)


class Turn:
    """One seed: its own draw of fields, its own data folder, its own trainings."""

    def __init__(self, task: Task, setting: Setting, seed: int, kept: Sequence[Smear], names: Sequence[str]) -> None:
        self.task, self.setting, self.seed, self.names = task, setting, seed, names
        self.folder = task.folder / f"seed{seed}"
        self.parts = smears.draw(kept, setting.parts, seed)
        labelled = {part: self.parts[part] for part in IMPORTED}
        self.yaml = smears.write(labelled, names, self.folder / "labelled")
        smears.write({"pool": self.parts["pool"]}, names, self.folder / "pool")
        self.product = Product(self.folder / "home")
        self.loads: list[float] = []
        self.predicting: dict[str, Any] = {}

    def play(self) -> dict[str, Any]:
        imported = self.fill()
        answer = self.round()
        made = [kind for kind in ("teacher", "student") if answer[kind] is not None]
        evaluated = {kind: self.evaluate(answer[kind]) for kind in made}
        model = self.product.model_folder(answer["teacher"]["label"])
        request, ours = pace.request_of(model), pace.of_model(model)
        bare = {recipe: self.bare(recipe, request, ours.steps) for recipe in ("stock", "ours")}
        timed = self.timed(request)
        looked = self.look(answer, bare)
        figures = {
            "teacher_ap50": ap50(evaluated["teacher"]),
            "student_ap50": ap50(evaluated.get("student")),
            "bare_ap50": looked["reports"]["bare"]["ap50"],
            "bare_same_recipe_ap50": looked["reports"]["bare_same_recipe"]["ap50"],
            "bare_ultralytics_map50": bare["stock"][0].map50,
            "teacher_minus_bare": looked["teacher_minus_bare"]["difference"],
            "teacher_overhead_ratio": timed.ours / timed.bare,
            "teacher_overhead_own_threads_ratio": timed.ours / timed.bare_own_threads,
            "teacher_overhead_whole_ratio": ours.per_step / bare["stock"][1].per_step,
            **{f"seconds_{step}": answer["seconds"][step] for step in ("train", "rank", "distil", "predict")},
            **self.deployed(answer),
        }
        return {
            "seed": self.seed,
            "figures": figures,
            "load_highest": max(self.loads),
            "loads": self.loads,
            "imported": imported,
            "round": {
                key: answer[key] for key in ("deployed", "reason", "predictions", "seconds", "teacher", "student")
            },
            "evaluated": evaluated,
            "predict_2048": self.predicting,
            "seconds_per_step": asdict(timed),
            "pace": {"ours": asdict(ours)} | {f"bare_{recipe}": asdict(own) for recipe, (_, own) in bare.items()},
            "bare": {
                recipe: {"optimiser": result.optimiser, "threads": result.threads, "map50": result.map50}
                for recipe, (result, _) in bare.items()
            },
            **looked,
        }

    def say(self, text: str) -> None:
        self.loads.append(frame.load())
        self.task.say(f"seed {self.seed}: {text}")

    def fill(self) -> dict[str, Any]:
        self.say("importing")
        self.product("create_project", PROJECT, "--key", PROJECT, "--ontology", "blood", "--weak-shape", "box")
        told = ("--format", "yolo", "--unknown-class", "reject")
        labelled = self.product("import_dataset", PROJECT, str(self.folder / "labelled"), "--split", "source", *told)
        pool = self.product("import_dataset", PROJECT, str(self.folder / "pool"), "--split", "pool", *told)
        keys = ("images", "objects_in", "objects_stored")
        return {name: {key: row[key] for key in keys} for name, row in (("labelled", labelled), ("pool", pool))}

    def round(self) -> dict[str, Any]:
        self.say(f"a round: teacher for {self.setting.epochs} epochs, student for {self.setting.student_epochs}")
        words = {
            "--teacher": VARIANT,
            "--student": VARIANT,
            "--epochs": self.setting.epochs,
            "--student-epochs": self.setting.student_epochs,
            "--seed": self.seed,
            "--device": "cpu",
        }
        answer = self.product("run_round", PROJECT, "--wait", *(str(w) for pair in words.items() for w in pair))
        if answer["teacher"] is None:
            raise frame.CannotMeasureError(f"the round made no teacher: {answer['reason']}")
        return answer

    def evaluate(self, model: Mapping[str, Any]) -> dict[str, Any]:
        self.say(f"evaluating {model['label']}")
        report = self.product("evaluate", PROJECT, model["label"], "--split", "test", "--device", "cpu")
        return shortened(report)

    def bare(self, recipe: Any, ours: TrainRequest, steps: int) -> tuple[BareResult, Pace]:
        """Train bare ultralytics for `steps` optimiser steps, rounded to whole epochs."""
        per_epoch = self.bare_steps(ours)
        request = self.request(ours, round(steps / per_epoch), recipe, f"bare-{recipe}")
        self.say(f"bare ultralytics, recipe {recipe}: {request.epochs} epochs")
        result = train_bare(request)
        return result, Pace(pace.ends_of(Path(result.table)), per_epoch, result.threads)

    def bare_steps(self, ours: TrainRequest) -> int:
        """Steps of an epoch: bare shows every training picture once."""
        return -(-len(self.parts["train"]) // ours.batch)

    def timed(self, ours: TrainRequest) -> pace.Compared:
        self.say("seconds for a step, ours and bare in turn")
        request = self.request(ours, pace.EPOCHS, "stock", "timed")
        compared = pace.compare(ours, request, self.bare_steps(ours), self.folder / "timed")
        self.loads.extend(compared.loads)
        return compared

    def request(self, ours: TrainRequest, epochs: int, recipe: Any, name: str) -> BareRequest:
        return BareRequest(
            data=str(self.yaml),
            out=str(self.folder / name),
            variant=VARIANT,
            weights=str(STARTER) if STARTER.is_file() else None,
            imgsz=ours.tile,
            epochs=epochs,
            batch=ours.batch,
            seed=self.seed,
            threads=machine.cores(),
            recipe=recipe,
        )

    def look(self, answer: Mapping[str, Any], bare: Mapping[str, tuple[BareResult, Pace]]) -> dict[str, Any]:
        """All models on the same test fields, judged alike."""
        self.say("looking at the test fields")
        test, names = self.parts["test"], self.names
        found = {}
        for kind in [kind for kind in ("teacher", "student") if answer[kind] is not None]:
            out = self.folder / f"exported-{kind}"
            self.product("export_model", PROJECT, answer[kind]["label"], str(out))
            found[kind] = looking.look_as_product(out, test, names)
        side = answer_tile(self.folder / "exported-teacher")
        for name, recipe in (("bare", "stock"), ("bare_same_recipe", "ours")):
            found[name] = looking.look_letterboxed(bare[recipe][0].onnx, test, side)
        return {
            "reports": {name: shortened(looking.judged(test, seen, names).as_dict()) for name, seen in found.items()},
            "teacher_minus_bare": looking.difference(test, found["teacher"], found["bare"], names),
            "teacher_minus_bare_same_recipe": looking.difference(
                test, found["teacher"], found["bare_same_recipe"], names
            ),
        }

    def deployed(self, answer: Mapping[str, Any]) -> dict[str, float | None]:
        """Size and speed of the student, on a generated field of 2048 x 2048 pixels at scale 1; None without one."""
        if answer["student"] is None:
            return {"student_size_mb": None, "predict_2048_s": None}
        self.say("the student's size and speed")
        model = self.product.model_folder(answer["student"]["label"]) / "weights.onnx"
        picture = self.folder / "large.png"
        field = generate_field(self.seed, FieldSettings(LARGE, LARGE, density=CELLS))
        Image.fromarray(field.image).save(picture)
        spent = looking.seconds_for(model, picture, answer_tile(self.folder / "exported-student"))
        self.predicting = spent | {"load": frame.load()}
        return {"student_size_mb": model.stat().st_size / 1e6, "predict_2048_s": spent["median"]}


def answer_tile(exported: Path) -> int:
    return int(json.loads((exported / "card.json").read_text())["tile"])


def ap50(report: Mapping[str, Any] | None) -> float | None:
    return None if report is None or report["ap50"] is None else float(report["ap50"])


def shortened(report: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an evaluation that is worth keeping in a file: no curves."""
    names = ("ap50", "f1", "precision", "recall", "found", "threshold", "fields", "objects", "intervals", "ap_by_iou")
    classes = {name: row["ap50"] for name, row in report["per_class"].items()}
    return {name: report[name] for name in names} | {"ap50_per_class": classes}


def mean_figures(rows: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Means over the seeds; with several, `KEY_spread` is their standard deviation. None where one seed cannot tell."""
    figures: dict[str, float | None] = {}
    for key in rows[0]:
        values = [value for row in rows if (value := row[key]) is not None]
        whole = len(values) == len(rows)
        figures[key] = round(statistics.fmean(values), 4) if whole else None
        if len(rows) > 1:
            figures[f"{key}_spread"] = round(statistics.stdev(values), 4) if whole else None
    return figures


if __name__ == "__main__":
    sys.exit(frame.run("loop", __doc__.partition("\n")[0], measure))
