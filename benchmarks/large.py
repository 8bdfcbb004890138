"""A project as large as pages must bear: 10,000 fields of 250 cases with 500,000 cells, a batch, rounds and models.

Rows alone, no pictures. Who calls it has set Django up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from annotation.actions.projects import create_project
from annotation.models import (
    Batch,
    BatchField,
    Case,
    Cell,
    Field,
    Membership,
    Project,
    Provenance,
    Reading,
    ReadingState,
    Role,
    Slide,
    Snapshot,
    Source,
    Split,
)
from learning.models import ModelKind, ModelVersion, Round
from learning.settings import RoundSettings, to_row
from learning.states import RoundState

SPLITS = (Split.TRAINING, Split.TRAINING, Split.TRAINING, Split.VALIDATION, Split.TUNING, Split.TEST)
BATCHES = 4
# So many cells are written by the database from each that is sent.
COPIES = 10


@dataclass(frozen=True, slots=True)
class Size:
    """Of all fields `labelled` have a reading; they share the cells evenly."""

    fields: int = 10_000
    cells: int = 500_000
    cases: int = 250
    labelled: float = 0.9
    asked: int = 50


@dataclass(frozen=True, slots=True)
class Large:
    project: Project
    people: dict[str, User]


@transaction.atomic
def make_large(size: Size) -> Large:
    project = create_project(name="Large", key="large")
    people = _people(project)
    fields = _fields(project, size)
    labelled = fields[: int(len(fields) * size.labelled)]
    readings = _readings(labelled, people["annotator"])
    each = -(-size.cells // len(readings) // COPIES)
    Cell.objects.bulk_create(_cells(project, readings, each), batch_size=2000)
    _copy_cells()
    _batches(project, labelled, fields[len(labelled) :], size.asked)
    _loop(project)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Large(project, people)


def _people(project: Project) -> dict[str, User]:
    people = {role.value: User.objects.create(username=f"large-{role.value}") for role in Role}
    Membership.objects.bulk_create(Membership(project=project, user=user, role=role) for role, user in people.items())
    return people


def _fields(project: Project, size: Size) -> list[Field]:
    cases = Case.objects.bulk_create(Case(project=project, code=f"P{number:04}") for number in range(size.cases))
    slides = Slide.objects.bulk_create(Slide(case=case, code="A", stain="MGG") for case in cases)
    return Field.objects.bulk_create(
        (
            Field(
                project=project,
                case=cases[number % size.cases],
                slide=slides[number % size.cases],
                code=f"F{number:05}",
                sha256=f"{number:064}",
                file=f"{number}.png",
                width=2048,
                height=2048,
                phash=f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}",
                um_per_px=0.1,
                split=SPLITS[number % size.cases % len(SPLITS)],
                original_name=f"picture-{number}.png",
            )
            for number in range(size.fields)
        ),
        batch_size=2000,
    )


def _readings(fields: Sequence[Field], author: User) -> list[Reading]:
    now = timezone.now()
    states = (ReadingState.SUBMITTED, ReadingState.SUBMITTED, ReadingState.SIGNED_OFF)
    readings = Reading.objects.bulk_create(
        (
            Reading(
                field=field,
                author=author,
                source=Source.DRAWN,
                state=states[number % 3],
                exhaustive=number % 7 > 0,
                submitted_at=now - timedelta(minutes=number),
            )
            for number, field in enumerate(fields)
        ),
        batch_size=2000,
    )
    own = Reading.objects.filter(field=OuterRef("pk")).values("pk")
    Field.objects.filter(readings__isnull=False).update(current_reading=Subquery(own[:1]))
    return readings


def _cells(project: Project, readings: Sequence[Reading], each: int) -> Iterator[Cell]:
    classes = list(project.classes.all())
    provenances = list(Provenance)
    for number in range(each * len(readings)):
        place = number // len(readings)
        x, y = 40.0 + 50.0 * (place % 8), 40.0 + 50.0 * (place // 8)
        yield Cell(
            project=project,
            reading=readings[number % len(readings)],
            cell_class=classes[(number * 7 + place) % len(classes)],
            kind="circle",
            points=[x, y, 20.0],
            x0=x - 20,
            y0=y - 20,
            x1=x + 20,
            y1=y + 20,
            provenance=provenances[number % len(provenances)],
        )


def _copy_cells() -> None:
    """Each cell COPIES times, by the database itself: ten times faster than to send them all."""
    names = [field.column for field in Cell._meta.concrete_fields if not field.primary_key]
    new_uuid = "lower(hex(randomblob(16)))" if connection.vendor == "sqlite" else "gen_random_uuid()"
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(new_uuid if name == "uuid" else f'"{name}"' for name in names)
    numbers = " UNION ALL ".join(f"SELECT {number} AS copy" for number in range(1, COPIES))
    table = connection.ops.quote_name(Cell._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, ({numbers}) AS numbers")  # noqa: S608


def _batches(project: Project, labelled: Sequence[Field], waiting: Sequence[Field], asked: int) -> None:
    now = timezone.now()
    for number in range(1, BATCHES + 1):
        last = number == BATCHES
        batch = Batch.objects.create(
            project=project,
            number=number,
            strategy="hybrid",
            model_label=f"s{number}",
            opened_at=now,
            closed_at=None if last else now,
        )
        chosen = waiting[:asked] if last else labelled[number * asked : (number + 1) * asked]
        BatchField.objects.bulk_create(
            BatchField(batch=batch, field=field, rank=rank, score=1 / rank, reason="many detections are uncertain")
            for rank, field in enumerate(chosen, start=1)
        )


def _loop(project: Project) -> None:
    for batch in project.batches.order_by("number"):
        snapshot = Snapshot.objects.create(project=project, sha256=f"{batch.number:064}", purpose="training")
        models = {kind: _model(project, kind, batch.number, snapshot) for kind in ModelKind}
        Round.objects.create(
            project=project,
            number=batch.number,
            state=RoundState.LABELLING if batch.number == BATCHES else RoundState.DONE,
            settings=to_row(RoundSettings()),
            batch=batch,
            teacher=models[ModelKind.TEACHER],
            student=models[ModelKind.STUDENT],
            deployed=True,
        )


def _model(project: Project, kind: ModelKind, number: int, snapshot: Snapshot) -> ModelVersion:
    ap50 = 0.5 + 0.08 * number - (0.02 if kind == ModelKind.STUDENT else 0)
    figures: dict[str, Any] = {"ap50": ap50, "intervals": {"ap50": [ap50 - 0.04, ap50 + 0.04]}, "fields": 100}
    return ModelVersion.objects.create(
        project=project,
        kind=kind,
        label=f"{kind[0]}{number}",
        variant="yolo26n",
        snapshot=snapshot,
        folder=f"large/{kind[0]}{number}",
        sha256="0" * 64,
        classes=[1],
        tile=320,
        shrink=0.9,
        threshold=0.3,
        metrics={"tuning": figures, "test": figures},
        card={"cells": {"cell": 1000 * number}, "classes": ["cell"]},
        accepted=True,
    )
