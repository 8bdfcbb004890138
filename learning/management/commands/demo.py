"""manage.py demo: the whole loop on generated fields, from nothing to exported labels, without a server."""

from __future__ import annotations

import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings as config

from annotation.actions.exports import FORMATS, export_dataset
from annotation.actions.imports import ImportOptions, import_dataset
from annotation.actions.projects import create_project
from annotation.actions.readings import reveal_oracle
from annotation.errors import Refused
from annotation.management.base import JsonCommand, Progress, progress
from annotation.models import Cell, Field, Prediction, Project
from learning.actions.checking import count_right
from learning.actions.models import deployed_model
from learning.actions.rounds import start_round, waiting_run
from learning.exchange import path_of
from learning.management.commands.run_round import answer_of
from learning.management.scratch import scratch_folder
from learning.management.watching import bar
from learning.models import ModelVersion, Round
from learning.pictures import draw_predictions
from learning.runner import supervise
from learning.settings import RoundSettings
from learning.states import RoundState
from models_zoo import machine
from models_zoo.generator import FieldSettings, GeneratedField, SetSettings, generate_set, write_set

FIELDS, CASES, SEED = 84, 14, 11
FIELD = FieldSettings(width=448, height=320, density=18.0)
ORACLE = 0.4
SETTINGS = RoundSettings(epochs=8, student_epochs=6, budget=8, min_cells=30)
PICTURES = 6


class Command(JsonCommand):
    help = (
        "Play the loop on generated fields: import labels, train a teacher, rank the pool, distil and deploy a "
        "student, predict on the next batch, export COCO and Pascal VOC. Takes a few minutes on two cores."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rounds", type=int, default=1, help="Turns of the loop; a simulated annotator labels in between (1)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rounds"] < 1:
            raise Refused("--rounds: play at least one.")
        began = time.monotonic()
        project, fields = make_project()
        rounds = [play(project, last=number == options["rounds"]) for number in range(1, options["rounds"] + 1)]
        model = deployed_model(project)
        folder = config.HOME / "demo" / project.key
        shutil.rmtree(folder, ignore_errors=True)
        self.answer(
            {
                "project": project.key,
                "fields": fields,
                "labels": labels_of(project),
                "rounds": [answer_of(round_) for round_ in rounds],
                "predictions": shown_on_batch(rounds[-1], model),
                "exports": {name: export(project, folder, name) for name in FORMATS},
                "pictures": pictures(rounds[-1], model, folder),
                "seconds": round(time.monotonic() - began, 1),
            }
        )

    def summary(self, result: Mapping[str, Any]) -> str:
        last, predictions = result["rounds"][-1], result["predictions"]
        lines = [
            f"Project {result['project']}: {result['fields']} generated fields, {result['labels']['cells']} labelled "
            f"cells on {result['labels']['fields']} fields",
            *(f"Round {one['round']}: {_model('teacher', one['teacher'])}" for one in result["rounds"]),
            _model("student", last["student"]) + f"; deployed: {'yes' if last['deployed'] else 'no'}",
            f"Why: {last['reason']}",
            f"Batch: {len(last['batch'])} fields"
            + "".join(f", first {b['field']} ({b['reason']})" for b in last["batch"][:1]),
            f"Predictions: {predictions['shown']} shown, {predictions['right']} of them right"
            f" ({predictions['stored']} stored for the score slider)",
            *(
                f"{name.upper()}: {one['file']}, {one['images']} images, "
                f"{one['objects_out']} of {one['objects_in']} cells"
                for name, one in result["exports"].items()
            ),
            "Pictures: " + ", ".join(result["pictures"]),
            f"Took {result['seconds']:.0f} s. For research use only.",
        ]
        return "\n".join(lines)


def _model(kind: str, model: Mapping[str, Any] | None) -> str:
    if model is None:
        return f"no {kind}"
    ap50 = model["metrics"].get("test", {}).get("ap50")
    figure = "n/a" if ap50 is None else f"{ap50:.3f}"
    return f"{kind} {model['label']} ({model['variant']} from {model['weights_from']}), AP50 on test {figure}"


def make_project() -> tuple[Project, int]:
    """A new project with generated fields; a share of the training fields enters the pool, labels kept aside."""
    number = Project.objects.filter(key__startswith="demo").count() + 1
    project = create_project(name=f"Demo {number}", key=f"demo-{number}")
    with scratch_folder() as folder:
        with progress("drawing", "fields") as line:
            fields = generate_set(FIELDS, SEED, CASES, SetSettings(FIELD, processes=machine.cores()))
            write_set(folder / "set", (_counted(line, done, one) for done, one in enumerate(fields, start=1)))
        options = ImportOptions(oracle=ORACLE, seed=SEED)
        report = import_dataset(project=project, path=folder / "set", options=options, client="demo")
    return project, report.images


def _counted(line: Progress, done: int, one: GeneratedField) -> GeneratedField:
    line(done, FIELDS)
    return one


def labels_of(project: Project) -> dict[str, int]:
    fields = Field.objects.filter(project=project)
    cells = Cell.objects.current().filter(project=project)
    return {"fields": fields.labelled().count(), "cells": cells.count(), "pool": fields.pool().count()}


def play(project: Project, *, last: bool) -> Round:
    """One round; unless it is the last, a simulated annotator labels its batch."""
    round_ = start_round(project=project, settings=SETTINGS, actor=None)
    with bar() as follow:
        while (run := waiting_run(round_)) is not None:
            supervise(run, follow)
    if round_.state != RoundState.LABELLING:
        run = round_.runs.latest("pk")
        raise Refused(f"The demo's round {round_.state} in {run.step}: {run.error} The log is {run.log}.")
    if not last:
        for field in fields_of(round_):
            reveal_oracle(field=field, client="demo")
    return round_


def fields_of(round_: Round) -> list[Field]:
    if round_.batch is None:
        return []
    return [row.field for row in round_.batch.fields.select_related("field__project", "field__case").order_by("rank")]


def shown_on_batch(round_: Round, model: ModelVersion | None) -> dict[str, int]:
    if model is None:
        return {"stored": 0, "shown": 0, "right": 0}
    right, shown = count_right(model, fields_of(round_))
    return {"stored": round_.predictions, "shown": shown, "right": right}


def export(project: Project, folder: Path, name: Any) -> dict[str, Any]:
    out = folder / f"{name}.zip"
    exported = export_dataset(project=project, out=out, format=name, images=True)
    return {
        "file": str(out),
        "images": exported.images,
        "objects_in": exported.objects_in,
        "objects_out": exported.objects_out,
        "sha256": exported.sha256,
    }


def pictures(round_: Round, model: ModelVersion | None, folder: Path) -> Sequence[str]:
    if model is None:
        return []
    made = []
    for field in fields_of(round_)[:PICTURES]:
        shown = Prediction.objects.filter(field=field, model_id=model.pk, score__gte=model.threshold)
        out = folder / f"{field.public_name}.png"
        draw_predictions(path_of(field), list(shown.select_related("cell_class")), out)
        made.append(str(out))
    print(f"pictures and archives: {folder}", file=sys.stderr)
    return made
