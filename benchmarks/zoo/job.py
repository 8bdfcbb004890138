"""One job in a process of its own, which leaves a JSON file; N threads.

`python -m benchmarks.zoo.job SETTING WORK NAME DEVICE N`
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.zoo import sets
from benchmarks.zoo.plan import ANMS, KINDS, SETTINGS, Job, Setting, plan
from benchmarks.zoo.sets import World
from models_zoo import metrics, policies, registry, two_stage
from models_zoo.detections import Detections
from models_zoo.lengths import Length
from models_zoo.metrics import Rule, Truth
from models_zoo.nms import without_inner
from models_zoo.records import DetectRequest, FieldRecord, Target, TrainRequest, TrainResult
from models_zoo.shapes import training_box

Figures = dict[str, Any]
# Gräbel's 55 px are about a third of a cell of that data (METHODS section 3).
DISTANCE = Length(cells=1 / 3)
ROOM = 16e9


class Turn:
    """What a job needs to know of where it runs."""

    def __init__(self, job: Job, setting: Setting, work: Path, device: str, threads: int) -> None:
        self.job, self.setting, self.device, self.threads = job, setting, device, threads
        self.sets = work / "sets"
        self.folder = scratch(work, device) / job.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def train(
        self, parts: dict[str, tuple[FieldRecord, ...]], classes: Sequence[str], job: Job, shrink: float
    ) -> TrainResult:
        request = TrainRequest(
            variant=job.variant,
            classes=tuple(classes),
            training=parts["training"],
            validation=parts["validation"],
            out=str(self.folder / job.what),
            tile=job.tile,
            epochs=job.epochs,
            batch=job.batch,
            seed=job.seed,
            device=self.device,
            threads=self.threads,
            shrink=shrink,
            parameters=dict(job.parameters),
        )
        result: TrainResult = registry.call("train", request)
        return result

    def request(self, result: TrainResult, records: Sequence[FieldRecord], job: Job, shrink: float) -> DetectRequest:
        onnx = self.device == "cpu" and bool(result.onnx) and job.what != "classifier"
        return DetectRequest(
            model=result.onnx if onnx else result.weights,
            variant=job.variant,
            fields=tuple(replace(record, targets=()) for record in records),
            out=str(self.folder / "found.npz"),
            tile=job.tile,
            shrink=shrink,
            device=self.device,
            threads=self.threads,
        )


def scratch(work: Path, device: str) -> Path:
    """Where trainings write: beside a card into memory where there is room, for ten trainings at once each write a
    checkpoint an epoch, and a disk would be what is measured."""
    memory = Path("/dev/shm")  # noqa: S108  # a folder of our own lies in it
    if device != "cpu" and memory.is_dir() and shutil.disk_usage(memory).free > ROOM:
        return memory / f"marrowloop-zoo-{work.name}"
    return work / "scratch"


def detector(turn: Turn) -> Figures:
    """A detector of one kind of training: both matchings, with and without ANMS, and its speed."""
    job = turn.job
    name, weak, shrink = KINDS[job.kind]
    world = sets.load(name, turn.setting, turn.sets)
    classes, parts = learned(world, job, weak, shrink)
    began = time.monotonic()
    result = turn.train(parts, classes, job, shrink)
    seconds = time.monotonic() - began
    found = {s: look(turn, result, parts[s], job, shrink) for s in ("tuning", "test")}
    truths = {split: truths_of(parts[split]) for split in ("tuning", "test")}
    figures = measured(world, truths, found, classes)
    return figures | {
        "fields_per_s": speed(turn, result, parts["test"], job, shrink),
        "train_seconds": round(seconds, 1),
        "epochs": result.epochs,
        "notes": list(result.notes),
    }


def learned(
    world: World, job: Job, weak: bool, shrink: float
) -> tuple[tuple[str, ...], dict[str, tuple[FieldRecord, ...]]]:
    """The classes and records of a job: artefacts by its policy, shapes weak or exact, exact ones shrunk if asked."""
    chosen = sets.weakened(world, job.seed) if weak else world
    artefacts = {i for i, name in enumerate(world.classes) if name == sets.ARTEFACT}
    parts = dict(chosen.splits)
    if not weak and shrink != 1.0:
        for split in ("training", "validation"):
            parts[split] = tuple(shrunk(record, shrink) for record in parts[split])
    if job.classes == "cell":
        policy: policies.Policy = job.policy  # type: ignore[assignment]
        return policies.classes_of(policy), {s: policies.applied(r, artefacts, policy) for s, r in parts.items()}
    names = tuple(name for name in world.classes if name != sets.ARTEFACT)
    return names, {s: tuple(_without(r, artefacts) for r in records) for s, records in parts.items()}


def _without(record: FieldRecord, labels: set[int]) -> FieldRecord:
    return replace(record, targets=tuple(target for target in record.targets if target.label not in labels))


def shrunk(record: FieldRecord, factor: float) -> FieldRecord:
    """Contours drawn in about the middle of their boxes; detections are enlarged by the inverse, as for circles."""
    return replace(record, targets=tuple(_drawn_in(target, factor) for target in record.targets))


def _drawn_in(target: Target, factor: float) -> Target:
    if target.kind != "contour":
        return target
    x0, y0, x1, y1 = training_box(target, 1.0)
    points = np.array(target.points).reshape(-1, 2)
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return replace(target, points=tuple(float(v) for v in ((points - middle) * factor + middle).ravel()))


def truths_of(records: Sequence[FieldRecord]) -> dict[str, Truth]:
    return {
        record.key: Truth(
            np.array([training_box(target, 1.0) for target in record.targets]).reshape(-1, 4),
            np.array([target.label for target in record.targets], np.intp),
            record.case,
            kinds=tuple(target.kind for target in record.targets),
        )
        for record in records
    }


def look(
    turn: Turn, result: TrainResult, records: Sequence[FieldRecord], job: Job, shrink: float
) -> dict[str, Detections]:
    found: dict[str, Detections] = registry.call("detect", turn.request(result, records, job, shrink))
    return found


def speed(turn: Turn, result: TrainResult, records: Sequence[FieldRecord], job: Job, shrink: float) -> float | None:
    """Fields a second without what it costs to load the model: one field and all are timed, the difference counts."""
    if len(records) < 2:
        return None
    spent = []
    for some in (records[:1], records):
        began = time.monotonic()
        look(turn, result, some, job, shrink)
        spent.append(time.monotonic() - began)
    return (len(records) - 1) / max(spent[1] - spent[0], 1e-3) if spent[1] > spent[0] else None


def measured(
    world: World, truths: dict[str, dict[str, Truth]], found: dict[str, dict[str, Detections]], classes: Sequence[str]
) -> Figures:
    """F1 (threshold from tuning) and AP by box and by centre; the same with ANMS under `anms_`; errors by group."""
    figures: Figures = {}
    for prefix, share in (("", 0.0), ("anms_", ANMS)):
        seen = {s: {k: without_inner(d, share) for k, d in items.items()} for s, items in found.items()}
        for match in ("box", "centre"):
            figures |= {f"{prefix}{k}": v for k, v in _by(match, world, truths, seen, classes).items()}
    return figures


def _by(
    match: str,
    world: World,
    truths: dict[str, dict[str, Truth]],
    found: dict[str, dict[str, Detections]],
    classes: Sequence[str],
) -> Figures:
    if match == "box" and not world.boxes:
        return {"f1_box": None, "ap_box": None}
    rule: dict[str, Any] = {"match": "iou"}
    if match == "centre":
        rule = {"match": "centre", "distance": Length(px=world.distance_px) if world.distance_px else DISTANCE}
    threshold = metrics.best_threshold(truths["tuning"], found["tuning"], **rule)
    report = metrics.evaluate(truths["test"], found["test"], classes, threshold=threshold, resamples=0, **rule)
    figures: Figures = {f"f1_{match}": report.f1, f"ap_{match}": report.ap50}
    if match == "box":
        rows = {
            name: [row.recall, row.precision, row.f1, row.ap50, row.truths] for name, row in report.per_class.items()
        }
        figures |= {"ap_by_iou": report.ap_by_iou, "f1_by_iou": report.f1_by_iou, "per_class": rows}
        figures |= {"macro": report.macro, "threshold": threshold}
        figures |= {"by_size": {name: group.recall for name, group in report.by_size.items()}}
    return figures


def policy(turn: Turn) -> Figures:
    """One way with artefacts; errors of cells and of artefacts at the threshold that tuning chose."""
    job = turn.job
    name, weak, shrink = KINDS[job.kind]
    world = sets.load(name, turn.setting, turn.sets)
    classes, parts = learned(world, job, weak, shrink)
    result = turn.train(parts, classes, job, shrink)
    found = {s: look(turn, result, parts[s], job, shrink) for s in ("tuning", "test")}
    _, apart = learned(world, replace(job, policy="own"), weak, shrink)
    tuned = truths_of(parts["tuning"])
    threshold = metrics.best_threshold(tuned, found["tuning"])
    chosen: policies.Policy = job.policy  # type: ignore[assignment]
    counted = policies.errors(truths_of(apart["test"]), found["test"], chosen, threshold, Rule())
    return counted.as_dict() | {"threshold": threshold}


def classifier(turn: Turn) -> Figures:
    """Accuracy and F1 on single cells; the share of Grad-CAM inside the cell where its mask is known."""
    from models_zoo.classifier.judging import judge_cells

    world = sets.load(turn.job.kind, turn.setting, turn.sets)
    job = replace(turn.job, batch=turn.job.batch)
    result = turn.train(dict(world.splits), world.classes, job, 1.0)
    test = world.splits["test"]
    request = turn.request(result, test, job, 1.0)
    found: dict[str, Detections] = registry.call("detect", request)
    labels = np.array([record.targets[0].label for record in test])
    report = judge_cells(labels, np.concatenate([found[record.key].scores for record in test]), world.classes)
    curves = json.loads((Path(result.weights).parent / "curves.json").read_text())
    return {
        "accuracy": report.accuracy,
        "macro_f1": report.macro["f1"],
        "per_class": report.per_class,
        "best_epoch": result.best_epoch,
        "curves": curves["epochs"],
        "heat_inside": heat_inside(Path(result.onnx), test) if world.name == "wbc" else None,
    }


def heat_inside(onnx: Path, records: Sequence[FieldRecord]) -> Figures:
    """Mean share of the heat that lies on the cell, beside the share of the picture that the cell covers."""
    from PIL import Image

    from models_zoo.classifier.runtime import explain_file

    shares, areas = [], []
    for record in records:
        mask = Path(record.path).parents[1] / "masks" / Path(record.path).name
        heat = explain_file(onnx, Path(record.path)).heat
        with Image.open(mask) as stored:
            inside = np.asarray(stored.convert("L").resize(heat.shape[::-1], Image.Resampling.NEAREST)) > 0
        if heat.sum() > 0:
            shares.append(float((heat * inside).sum() / heat.sum()))
            areas.append(float(inside.mean()))
    return {"heat": float(np.mean(shares)), "area": float(np.mean(areas)), "cells": len(shares)} if shares else {}


def stages(turn: Turn) -> Figures:
    """One stage that finds and names, against a detector that stops at `cell` with the classifier behind it."""
    job = turn.job
    name, weak, shrink = KINDS[job.kind]
    world = sets.load(name, turn.setting, turn.sets)
    classes, parts = learned(world, job, weak, shrink)
    truths = {split: truths_of(parts[split]) for split in ("tuning", "test")}
    result = turn.train(parts, classes, job, shrink)
    one = {s: look(turn, result, parts[s], job, shrink) for s in ("tuning", "test")}
    figures: Figures = {"one_stage": measured(world, truths, one, classes)}
    single = replace(job, classes="cell")
    _, plain = learned(world, single, weak, shrink)
    finder = turn.train(plain, ("cell",), replace(single, what="detector"), shrink)
    spec = registry.spec("classifier")
    small = turn.setting.tiny
    namer = Job(
        "", "classifier", "", "", job.seed, "classifier", dict(spec.tiny.parameters) if small else {},
        turn.setting.cell_epochs, 32, spec.tiny.tile if small else 96,
    )  # fmt: skip
    named = turn.train(parts, classes, namer, 1.0)
    two = {}
    for split in ("tuning", "test"):
        first = turn.request(finder, parts[split], single, shrink)
        second = replace(turn.request(named, (), namer, 1.0), out=str(turn.folder / "named.npz"))
        two[split] = two_stage.detect(replace(first, min_score=0.01), second)
    figures["two_stages"] = measured(world, truths, two, classes)
    return figures


WHATS: dict[str, Callable[[Turn], Figures]] = {
    "detector": detector,
    "policy": policy,
    "classifier": classifier,
    "stages": stages,
}


def main(words: Sequence[str]) -> int:
    setting_name, folder, name, device, threads = words
    setting, work = SETTINGS[setting_name], Path(folder)
    job = next(one for one in jobs_of(setting) if one.name == name)
    turn = Turn(job, setting, work, device, int(threads))
    began = time.monotonic()
    try:
        content: Figures = {"figures": WHATS[job.what](turn)}
    except FileNotFoundError as error:
        content = {"missing": str(error)}
    except Exception as error:  # whatever a family raises is this job's result, not the benchmark's end
        content = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-3000:]}
    finally:
        shutil.rmtree(turn.folder, ignore_errors=True)
    content |= {"job": job.as_dict(), "seconds": round(time.monotonic() - began, 1), "device": device}
    target = work / "results" / f"{name}.json"
    part = target.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    part.replace(target)
    return 0 if "figures" in content else 1


def jobs_of(setting: Setting) -> list[Job]:
    return plan([*registry.families(), *registry.families("classifier")], setting)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
