"""Snapshots: the frozen list of readings and cell versions that a model learns from or an export is made of."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction

from annotation import store
from annotation.access import Actor, Permission, require
from annotation.models import Cell, Field, Project, Reading, Snapshot
from annotation.models.field import FieldQuerySet
from annotation.shapes import Kind, Shape

Told = Callable[[int], None]
# Readings whose cells are fetched at once.
CHUNK = 500


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


def take_snapshot(
    *,
    project: Project,
    purpose: str,
    fields: FieldQuerySet,
    actor: Actor = None,
    name: str = "",
    notes: str = "",
    told: Told | None = None,
) -> Snapshot:
    """Freeze the current readings of `fields`. Equal content gives an equal hash and the same file.

    People go on saving meanwhile, so no transaction is held while the list is written. `told` hears how many readings
    are frozen; an exception of it leaves nothing behind.
    """
    require(actor, project, Permission.RUN)
    sha256, tally = _write(fields, told)
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            project=project,
            sha256=sha256,
            purpose=purpose,
            name=name,
            notes=notes,
            counts=tally.as_dict(),
            author_id=None if actor is None else actor.pk,
        )
        snapshot.readings.add(*tally.readings)
    return snapshot


@dataclass(slots=True)
class Tally:
    """What a list of readings holds. As a dictionary: fields, fields_SPLIT, cells, and cells by class and by shape."""

    counts: Counter[str] = field(default_factory=Counter)
    classes: Counter[int] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    readings: list[int] = field(default_factory=list)

    def take(self, frozen: FrozenReading) -> None:
        self.readings.append(frozen.reading)
        self.counts.update({"fields": 1, f"fields_{frozen.split}": 1, "cells": len(frozen.cells)})
        self.classes.update(cell.number for cell in frozen.cells)
        self.shapes.update(cell.kind for cell in frozen.cells)

    def as_dict(self) -> dict[str, Any]:
        classes = {str(number): count for number, count in sorted(self.classes.items())}
        return {**self.counts, "classes": classes, "shapes": dict(self.shapes)}


def _write(fields: FieldQuerySet, told: Told | None) -> tuple[str, Tally]:
    """Write the list under the hash of its content."""
    settings.SNAPSHOTS_DIR.mkdir(parents=True, exist_ok=True)
    tally, digest = Tally(), hashlib.sha256()
    descriptor, name = tempfile.mkstemp(dir=settings.SNAPSHOTS_DIR, prefix="part-")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for done, frozen in enumerate(freeze(fields), start=1):
                line = msgspec.json.encode(frozen) + b"\n"
                digest.update(line)
                stream.write(line)
                tally.take(frozen)
                if told is not None:
                    told(done)
        part.replace(_file(digest.hexdigest()))
        store.share(_file(digest.hexdigest()))
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest(), tally


def read_snapshot(snapshot: Snapshot, split: str = "") -> Iterator[FrozenReading]:
    """The readings of a snapshot, or those in `split`, in order. Raises ValueError when the file was changed."""
    path = store.fetch(_file(snapshot.sha256))
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != snapshot.sha256:
            raise ValueError(
                f"snapshot {snapshot.pk}: {path.name} was changed after it was frozen; restore it from a backup"
            )
        stream.seek(0)
        for line in stream:
            frozen = msgspec.json.decode(line, type=FrozenReading)
            if not split or frozen.split == split:
                yield frozen


def tally_of(snapshot: Snapshot, split: str = "") -> Tally:
    """What a snapshot holds, or its part in `split`, counted in its file."""
    tally = Tally()
    for frozen in read_snapshot(snapshot, split):
        tally.take(frozen)
    return tally


def freeze(fields: FieldQuerySet) -> Iterator[FrozenReading]:
    """The current readings of `fields` with their living cells, ordered by field."""
    rows = fields.labelled().select_related("case", "slide", "current_reading").order_by("pk").iterator(CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        cells = _cells([row.current_reading_id for row in chunk])
        for row in chunk:
            if row.current_reading is not None:
                yield _frozen(row, row.current_reading, tuple(cells.get(row.current_reading.pk, ())))


def _cells(readings: list[int | None]) -> dict[int, list[FrozenCell]]:
    """The living cells of these readings. As plain values, because a project has hundreds of thousands."""
    found = dict[int, list[FrozenCell]]()
    rows = Cell.objects.alive().filter(reading__in=readings).order_by("pk")
    for reading, uuid, version, number, kind, points, provenance, attributes in rows.values_list(
        "reading_id", "uuid", "version", "cell_class__number", "kind", "points", "provenance", "attributes"
    ).iterator(2000):
        cell = FrozenCell(str(uuid), version, number, kind, tuple(points), provenance, attributes)  # type: ignore[arg-type]  # the column's choices are the shape's kinds
        found.setdefault(reading, []).append(cell)
    return found


def _frozen(row: Field, reading: Reading, cells: tuple[FrozenCell, ...]) -> FrozenReading:
    return FrozenReading(
        field=row.pk,
        code=row.public_name,
        sha256=row.sha256,
        file=row.file,
        width=row.width,
        height=row.height,
        um_per_px=row.um_per_px,
        case=row.case.code if row.case else "",
        slide=row.slide.code if row.slide else "",
        split=row.split,
        reading=reading.pk,
        source=reading.source,
        exhaustive=reading.exhaustive,
        cells=cells,
    )


def _file(sha256: str) -> Path:
    return settings.SNAPSHOTS_DIR / f"{sha256}.jsonl"
