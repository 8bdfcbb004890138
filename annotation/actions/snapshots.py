"""Snapshots: the frozen list of readings and cell versions that a model learns from or an export is made of."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch

from annotation.access import Actor, Permission, require
from annotation.models import Cell, Field, Project, Reading, Snapshot
from annotation.models.field import FieldQuerySet
from annotation.shapes import Kind, Shape


@dataclass(frozen=True, slots=True)
class FrozenCell:
    """One cell as it was. `number` is its class's number in the project."""

    uuid: str
    version: int
    number: int
    kind: Kind
    points: tuple[float, ...]
    provenance: str
    attributes: dict[str, Any]

    @property
    def shape(self) -> Shape:
        return Shape(self.kind, self.points)


@dataclass(frozen=True, slots=True)
class FrozenReading:
    """One field's current reading as it was. `case` is empty where no case is known."""

    field: int
    code: str
    sha256: str
    file: str
    width: int
    height: int
    um_per_px: float | None
    case: str
    slide: str
    split: str
    reading: int
    source: str
    exhaustive: bool
    cells: tuple[FrozenCell, ...]


@transaction.atomic
def take_snapshot(
    *, project: Project, purpose: str, fields: FieldQuerySet, actor: Actor = None, name: str = "", notes: str = ""
) -> Snapshot:
    """Freeze the current readings of `fields`. Equal content gives an equal hash and the same file."""
    require(actor, project, Permission.RUN)
    settings.SNAPSHOTS_DIR.mkdir(parents=True, exist_ok=True)
    part = settings.SNAPSHOTS_DIR / f"part-{os.getpid()}"
    counts: Counter[str] = Counter()
    readings: list[int] = []
    digest = hashlib.sha256()
    with part.open("wb") as stream:
        for frozen in freeze(fields):
            line = msgspec.json.encode(frozen) + b"\n"
            digest.update(line)
            stream.write(line)
            readings.append(frozen.reading)
            counts.update({"fields": 1, f"fields_{frozen.split}": 1, "cells": len(frozen.cells)})
    part.replace(_file(digest.hexdigest()))
    snapshot = Snapshot.objects.create(
        project=project,
        sha256=digest.hexdigest(),
        purpose=purpose,
        name=name,
        notes=notes,
        counts=dict(counts),
        author_id=None if actor is None else actor.pk,
    )
    snapshot.readings.add(*readings)
    return snapshot


def read_snapshot(snapshot: Snapshot) -> Iterator[FrozenReading]:
    """The readings of a snapshot, in order. Raises ValueError when the file is not what was frozen."""
    path = _file(snapshot.sha256)
    if hashlib.sha256(path.read_bytes()).hexdigest() != snapshot.sha256:
        raise ValueError(
            f"snapshot {snapshot.pk}: {path.name} was changed after it was frozen; restore it from a backup"
        )
    with path.open("rb") as stream:
        for line in stream:
            yield msgspec.json.decode(line, type=FrozenReading)


def freeze(fields: FieldQuerySet) -> Iterator[FrozenReading]:
    """The current readings of `fields` with their living cells, ordered by field."""
    cells = Cell.objects.alive().select_related("cell_class").order_by("pk")
    labelled = (
        fields.labelled()
        .select_related("case", "slide", "current_reading")
        .prefetch_related(Prefetch("current_reading__cells", queryset=cells))
        .order_by("pk")
    )
    for field in labelled.iterator(chunk_size=500):
        reading = field.current_reading
        if reading is not None:
            yield _frozen(field, reading)


def _frozen(field: Field, reading: Reading) -> FrozenReading:
    return FrozenReading(
        field=field.pk,
        code=field.public_name,
        sha256=field.sha256,
        file=field.file,
        width=field.width,
        height=field.height,
        um_per_px=field.um_per_px,
        case=field.case.code if field.case else "",
        slide=field.slide.code if field.slide else "",
        split=field.split,
        reading=reading.pk,
        source=reading.source,
        exhaustive=reading.exhaustive,
        cells=tuple(
            FrozenCell(
                uuid=str(cell.uuid),
                version=cell.version,
                number=cell.cell_class.number,
                kind=cell.shape.kind,
                points=cell.shape.points,
                provenance=cell.provenance,
                attributes=cell.attributes,
            )
            for cell in reading.cells.all()
        ),
    )


def _file(sha256: str) -> Path:
    return settings.SNAPSHOTS_DIR / f"{sha256}.jsonl"
