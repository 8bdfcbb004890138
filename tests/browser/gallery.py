"""What the pages are looked at with: fields like marrow, rounds that ended, models that looked, data in and out.

It starts from the world of the test of access, so that every word of every address stands for something here too.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from django.db.models import F, Value
from django.db.models.functions import Concat

from annotation.actions.imports import ImportOptions, import_dataset
from annotation.actions.people import invite_person, password_link_words
from annotation.actions.transfers import start_export, start_release
from annotation.actions.transfers_work import execute_transfer
from annotation.models import Cell, Field, Prediction, Project, Role, Transfer
from learning.found.judged import JudgedCell, write_judged
from learning.models import Classifier, Round
from learning.states import RoundState, RunState, Step
from models_zoo.generator import FieldSettings, GeneratedField, SetSettings, generate_set, write_set
from tests.annotation.uploading import imported, png, previewed, uploaded, voc
from tests.cast import Cast
from tests.house.access_world import World, make_world
from tests.learning import rows
from tests.learning.play import begin, play
from tests.learning.zoo import FakeZoo

FIELDS, CASES, SEED = 24, 8, 5
FIELD = FieldSettings(width=320, height=240, density=18.0, blur_share=0.0)


@cache
def drawn() -> tuple[GeneratedField, ...]:
    return tuple(generate_set(FIELDS, SEED, CASES, SetSettings(FIELD)))


@dataclass(frozen=True, slots=True)
class Gallery:
    """The world, and addresses that show a page in more states than one row of each kind can."""

    world: World
    more: tuple[str, ...]


def make_gallery(cast: Cast, zoo: FakeZoo) -> Gallery:
    world = make_world(cast)
    project = cast.project
    project.fields.update(code=Concat(Value("W"), "code"))  # imported fields are numbered from the first on
    project.models.update(accepted=False)  # they are rows without files
    rounds = played_rounds(project, zoo)
    first, second = rounds
    assert first.student is not None
    field = Field.objects.filter(batch_fields__batch=first.batch).order_by("pk").first()
    assert field is not None
    assert Prediction.objects.filter(field=field).exists()
    preview, done, export = transfers(cast)
    judged_classifier(project)
    places = world.places | {
        "number": str(first.number),
        "label": first.student.label,
        "code": field.code,
        "runs/pk": str(first.runs.order_by("pk")[0].pk),
        "transfers/pk": str(export.pk),
        "cases/pk": str(field.case_id or world.places["cases/pk"]),
    }
    base = f"/projects/{project.key}"
    _, secret = invite_person(project=project, role=Role.ANNOTATOR, actor=cast.ada)
    student = f"{base}/models/{first.student.label}"
    more = (
        *(f"{student}/errors/?kind={kind}&split=all" for kind in ("missed", "confused", "false-alarm", "fault")),
        f"{base}/models/compare/?a={first.student.label}&b={second.teacher.label if second.teacher else 's1'}",
        f"{base}/classifiers/c2/mistakes/?split=tuning",
        f"{base}/rounds/{second.number}/",
        *(f"{base}/rounds/{number}/" for number in other_rounds(project)),
        f"{base}/rounds/new/?from={first.number}",
        f"{base}/data/transfers/{preview.pk}/",
        f"{base}/data/transfers/{done.pk}/",
        f"{base}/data/transfers/{world.places['transfers/pk']}/",
        f"{base}/data/transfers/{world.places['exports/pk']}/",
        f"{base}/cases/?state=open",
        *(f"/projects/{rows.project().key}/{room}" for room in ("", "queue/", "cases/", "rounds/", "models/", "data/")),
        f"/invitations/{secret}/",
        "/set-password/{}/{}/".format(*password_link_words(user=cast.ana, actor=cast.root)),
        "/nowhere/",
        "/projects/unknown/",
    )
    return Gallery(replace(world, places=places), more)


def played_rounds(project: Project, zoo: FakeZoo) -> list[Round]:
    """Two rounds that ended: what the first one found was good, what the second one found was refused."""
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder) / "set", drawn())
        import_dataset(project=project, path=Path(folder) / "set", options=ImportOptions(oracle=0.4), client="test")
    Project.objects.filter(pk=project.pk).update(um_per_px=FIELD.um_per_px)
    project.refresh_from_db()
    made = []
    for skills in (["good"], ["silent"]):
        zoo.skills = skills
        made.append(play(begin(project)))
    assert {one.state for one in made} == {RoundState.LABELLING}, [str(run.error) for run in project.runs.all()]
    return made


def judged_classifier(project: Project) -> None:
    """A classifier that took labelled cells for others; one of its cells is gone."""
    cells = list(Cell.objects.alive().filter(project=project, reading__field__current_reading=F("reading"))[:5])
    made = Classifier.objects.get(project=project)
    made.pk, made.label, made.folder = None, "c2", f"{project.key}/c2"
    made.card |= {"parameters": {"backbone": "resnet10t"}, "tile": 64, "cells_trained_on": 40, "epochs": 2}
    made.card |= {"curves": [{"loss": 1.0, "val_loss": 1.2, "accuracy": 0.5, "val_accuracy": 0.4}] * 2, "best_epoch": 1}
    made.metrics = {
        split: {"accuracy": 0.25, "cells": 8, "macro": {"f1": 0.2}, "confusion": [[1, 4], [2, 1]]}
        for split in ("tuning", "test")
    }
    made.save()
    made.path.mkdir(parents=True)
    uuids = [*(str(cell.uuid) for cell in cells), "00000000-0000-4000-8000-000000000000"]
    write_judged(made.path, {"tuning": [JudgedCell(uuid, at % 2, 1 - at % 2, 0.9) for at, uuid in enumerate(uuids)]})


def other_rounds(project: Project) -> list[int]:
    """A round at work, one that failed, one that was cancelled."""
    at_work = rows.round_of(project, RoundState.TRAINING)
    rows.run_of(
        project,
        Step.TRAIN,
        at_work,
        state=RunState.RUNNING,
        attempt=1,
        progress={"doing": "training", "done": 1, "total": 4},
    )
    failed = rows.round_of(project, RoundState.FAILED)
    rows.run_of(
        project,
        Step.TRAIN,
        failed,
        state=RunState.FAILED,
        attempt=3,
        error="The disk is full. Free some space, and try again.",
    )
    cancelled = rows.round_of(project, RoundState.CANCELLED)
    return [at_work.number, failed.number, cancelled.number]


def transfers(cast: Cast) -> tuple[Transfer, Transfer, Transfer]:
    """An upload that was previewed, one that was imported, and a finished export; and a release beside them."""
    project, lea = cast.project, cast.lea
    files = {
        "images/a.png": png(1),
        "annotations/a.xml": voc("a.png", "seg", "Odd cell"),
        "images/b.png": png(2),
        "images/bad.png": b"words words words",
    }
    preview = previewed(uploaded(project, lea, files), lea)
    done = imported(uploaded(project, lea, {"c.png": png(3)}), lea)
    export = execute_transfer(start_export(project=project, format="coco", images=True, actor=lea))
    execute_transfer(start_release(project=project, name="Second", notes="Labels of the pilot.", actor=lea))
    return preview, done, export
