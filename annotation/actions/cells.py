"""Cells: drawn, changed, deleted, restored, accepted from a prediction. Each act is an event; none covers another."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from annotation.access import Actor, Permission, require
from annotation.errors import Refused
from annotation.models import Cell, CellClass, Event, Prediction, Provenance, Reading, ReadingState
from annotation.shapes import Shape, fault_of


class CellError(Refused):
    """A cell cannot be what was asked; the text says why."""


class StaleVersionError(CellError):
    """Someone changed the cell since the caller read it. `current` is what it is now."""

    def __init__(self, current: Cell) -> None:
        super().__init__("This cell was changed meanwhile: look at it as it is now and decide.")
        self.current = current


@transaction.atomic
def draw_cell(
    *,
    reading: Reading,
    cell_class: CellClass,
    shape: Shape,
    actor: Actor,
    uuid: UUID | None = None,
    attributes: dict[str, Any] | None = None,
    prediction: Prediction | None = None,
    client: str = "",
) -> Cell:
    """Put a cell into an open reading. The same uuid twice is the same cell: the second call changes nothing.

    Raises CellError when the reading is closed or the shape cannot lie on the field.
    """
    require(actor, reading.field.project, Permission.LABEL)
    _check_open(reading)
    _check_shape(reading, shape)
    x0, y0, x1, y1 = shape.bounds
    cell, new = Cell.objects.get_or_create(
        project_id=reading.field.project_id,
        uuid=uuid or uuid4(),
        defaults={
            "reading": reading,
            "cell_class": cell_class,
            "kind": shape.kind,
            "points": list(shape.points),
            "x0": x0,
            "y0": y0,
            "x1": x1,
            "y1": y1,
            "attributes": attributes or {},
            "provenance": _provenance(prediction, cell_class, shape),
            "prediction": prediction,
            "author_id": None if actor is None else actor.pk,
        },
    )
    if new:
        _record(cell, actor, "drawn" if prediction is None else "accepted", None, client)
    return cell


def accept_prediction(*, reading: Reading, prediction: Prediction, actor: Actor, client: str = "") -> Cell:
    """Make a prediction a cell as it is. The prediction stays."""
    return draw_cell(
        reading=reading,
        cell_class=prediction.cell_class,
        shape=prediction.shape,
        actor=actor,
        prediction=prediction,
        client=client,
    )


@transaction.atomic
def change_cell(
    *,
    cell: Cell,
    version: int,
    actor: Actor,
    shape: Shape | None = None,
    cell_class: CellClass | None = None,
    attributes: dict[str, Any] | None = None,
    deleted: bool | None = None,
    client: str = "",
) -> Cell:
    """Change what is given of a cell whose version the caller has seen; undo and redo come this way too.

    Raises StaleVersionError when the cell has another version by now, CellError for a closed reading or a bad shape.
    """
    require(actor, cell.reading.field.project, Permission.LABEL)
    _check_open(cell.reading)
    before = _state(cell)
    values: dict[str, Any] = {}
    if shape is not None:
        _check_shape(cell.reading, shape)
        x0, y0, x1, y1 = shape.bounds
        values |= {"kind": shape.kind, "points": list(shape.points), "x0": x0, "y0": y0, "x1": x1, "y1": y1}
    if cell_class is not None:
        values["cell_class"] = cell_class
    if attributes is not None:
        values["attributes"] = attributes
    if deleted is not None:
        values["deleted_at"] = timezone.now() if deleted else None
    if cell.provenance == Provenance.ACCEPTED and (shape is not None or cell_class is not None):
        values["provenance"] = Provenance.CORRECTED
    changed = Cell.objects.filter(pk=cell.pk, version=version).update(**values, version=F("version") + 1)
    cell.refresh_from_db()
    if not changed:
        raise StaleVersionError(cell)
    verb = {True: "deleted", False: "restored", None: "changed"}[deleted]
    _record(cell, actor, verb, before, client)
    return cell


def _provenance(prediction: Prediction | None, cell_class: CellClass, shape: Shape) -> str:
    if prediction is None:
        return Provenance.DRAWN
    as_it_is = prediction.cell_class_id == cell_class.pk and prediction.shape == shape
    return Provenance.ACCEPTED if as_it_is else Provenance.CORRECTED


def _check_open(reading: Reading) -> None:
    if reading.state != ReadingState.OPEN:
        raise CellError("This reading is closed: open a new one to change cells.")


def _check_shape(reading: Reading, shape: Shape) -> None:
    fault = fault_of(shape, reading.field.width, reading.field.height)
    if fault is not None:
        raise CellError(f"The shape cannot be kept: {fault}.")


def _state(cell: Cell) -> dict[str, Any]:
    return {
        "class": cell.cell_class.number,
        "kind": cell.kind,
        "points": cell.points,
        "attributes": cell.attributes,
        "version": cell.version,
        "deleted": cell.deleted_at is not None,
    }


def _record(cell: Cell, actor: Actor, verb: str, before: dict[str, Any] | None, client: str) -> None:
    Event.objects.create(
        project_id=cell.project_id,
        cell=cell,
        reading_id=cell.reading_id,
        actor_id=None if actor is None else actor.pk,
        verb=verb,
        before=before,
        after=_state(cell),
        client=client,
    )
