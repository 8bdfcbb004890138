"""Cells: drawn, changed, deleted, restored, accepted from a prediction. Each act is an event; none covers another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from annotation.access import Actor, Permission, require
from annotation.actions.readings import is_author
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


@dataclass(frozen=True, slots=True)
class CellContent:
    """What a person says of a cell, whole."""

    cell_class: CellClass
    shape: Shape
    attributes: dict[str, Any]
    prediction: Prediction | None = None
    deleted: bool = False
    locked: bool = False

    @classmethod
    def of(cls, cell: Cell) -> CellContent:
        gone = cell.deleted_at is not None
        return cls(cell.cell_class, cell.shape, cell.attributes, cell.prediction, gone, cell.locked)


def hold_reading(reading: Reading, actor: Actor) -> Reading:
    """The reading, locked until the transaction ends. Raises CellError unless it is open and the actor its author.

    Readings are submitted under the same lock, so no cell slips into one that is closed. Its field never changes, so it
    is taken from `reading`.
    """
    held = Reading.objects.select_for_update(no_key=True).get(pk=reading.pk)
    held.field = reading.field
    require(actor, held.field.project, Permission.LABEL)
    if held.state != ReadingState.OPEN:
        raise CellError("This reading is closed: open a new one to change cells.")
    if not is_author(held, actor):
        raise CellError("Only its author changes the cells of a reading: open one of your own.")
    return held


@dataclass(slots=True)
class Pen:
    """Writes cells of a reading that the caller holds. `finish` writes the record; call it in the same transaction."""

    reading: Reading
    actor: Actor
    client: str = ""
    events: list[Event] = field(default_factory=list)
    #: How long the actor was active for what is written next, where their browser measured it.
    seconds: float | None = None

    def draw(self, uuid: UUID, content: CellContent, known: Cell | None) -> Cell:
        """A new cell; `known` is what the project has under that uuid already.

        Raises CellError for a uuid of another reading, StaleVersionError where the same one holds something else.
        """
        if known is not None:
            self._check_own(known)
            if CellContent.of(known) != content:
                raise StaleVersionError(known)
            return known
        self._check(content)
        cell = Cell.objects.create(
            project_id=self.reading.field.project_id,
            uuid=uuid,
            reading=self.reading,
            prediction=content.prediction,
            author=self.actor,
            **_columns(content),
        )
        self._record(cell, "drawn" if content.prediction is None else "accepted", None)
        return cell

    def change(self, cell: Cell, version: int, content: CellContent, *, unlocked: bool = False) -> Cell:
        """The cell with `content`; one that has it already stays as it is, so that a request may come twice.

        A locked cell changes only where it is unlocked: by `content`, or, where it is locked again by now, in between
        (`unlocked`), which the caller must say.
        Raises StaleVersionError where the cell is at another version, CellError for what cannot be.
        """
        self._check_own(cell)
        old = CellContent.of(cell)
        if old == content:
            return cell
        if cell.version != version:
            raise StaleVersionError(cell)
        if old.prediction != content.prediction:
            raise CellError("A cell keeps the prediction that it was made from: draw a new cell instead.")
        if old.locked and content.locked and not unlocked:
            raise CellError("This cell is locked: unlock it first.")
        self._check(content)
        before = _state(cell)
        values = _columns(content)
        if content.deleted and cell.deleted_at is not None:
            values["deleted_at"] = cell.deleted_at
        if cell.provenance not in {Provenance.ACCEPTED, Provenance.CORRECTED}:
            values["provenance"] = cell.provenance
        if not Cell.objects.filter(pk=cell.pk, version=version).update(**values, version=F("version") + 1):
            cell.refresh_from_db()
            raise StaleVersionError(cell)
        for name, value in values.items():
            setattr(cell, name, value)
        cell.version = version + 1
        self._record(cell, _verb(old, content), before)
        return cell

    def finish(self) -> None:
        Event.objects.bulk_create(self.events)
        self.events = []

    def _check_own(self, cell: Cell) -> None:
        if cell.reading_id != self.reading.pk:
            raise CellError("This uuid belongs to a cell of another reading: a new cell needs a new one.")

    def _check(self, content: CellContent) -> None:
        if content.cell_class.project_id != self.reading.field.project_id:
            raise CellError("This class belongs to another project.")
        if content.prediction is not None:
            self.check_prediction(content.prediction)
        fault = fault_of(content.shape, self.reading.field.width, self.reading.field.height)
        if fault is not None:
            raise CellError(f"The shape cannot be kept: {fault}.")

    def check_prediction(self, prediction: Prediction) -> None:
        """Raises CellError for one of another field, or one that this reading must not know of."""
        if prediction.field_id != self.reading.field_id:
            raise CellError("This prediction belongs to another field.")
        if self.reading.is_blind:
            raise CellError("The predictions of this field are hidden until its reading is submitted.")

    def _record(self, cell: Cell, verb: str, before: dict[str, Any] | None) -> None:
        self.events.append(
            Event(
                project_id=cell.project_id,
                cell=cell,
                reading_id=cell.reading_id,
                actor=self.actor,
                verb=verb,
                before=before,
                after=_state(cell),
                client=self.client,
                seconds=self.seconds,
            )
        )


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
    """Put a cell into an open reading of the actor's. The same uuid and content twice is the same cell.

    Raises CellError when the reading is closed, the shape cannot lie on the field or the uuid belongs to another
    reading; StaleVersionError when the cell of that uuid holds something else.
    """
    pen = Pen(hold_reading(reading, actor), actor, client)
    uuid = uuid or uuid4()
    known = Cell.objects.select_related("cell_class", "prediction", "author").filter(
        project_id=pen.reading.field.project_id, uuid=uuid
    )
    cell = pen.draw(uuid, CellContent(cell_class, shape, attributes or {}, prediction), known.first())
    pen.finish()
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
    locked: bool | None = None,
    client: str = "",
) -> Cell:
    """Change what is given of a cell whose version the caller has seen; undo and redo come this way too.

    Raises StaleVersionError when the cell has another version by now, CellError for a closed reading or a bad shape.
    """
    pen = Pen(hold_reading(cell.reading, actor), actor, client)
    cell.refresh_from_db()
    now = CellContent.of(cell)
    given: dict[str, Any] = {
        "shape": shape,
        "cell_class": cell_class,
        "attributes": attributes,
        "deleted": deleted,
        "locked": locked,
    }
    wanted = replace(now, **{name: value for name, value in given.items() if value is not None})
    if wanted != now and cell.version != version:
        raise StaleVersionError(cell)
    changed = pen.change(cell, version, wanted)
    pen.finish()
    return changed


def _columns(content: CellContent) -> dict[str, Any]:
    x0, y0, x1, y1 = content.shape.bounds
    return {
        "cell_class": content.cell_class,
        "kind": content.shape.kind,
        "points": list(content.shape.points),
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "attributes": content.attributes,
        "provenance": _provenance(content),
        "deleted_at": timezone.now() if content.deleted else None,
        "locked": content.locked,
    }


def _provenance(content: CellContent) -> str:
    if content.prediction is None:
        return Provenance.DRAWN
    as_it_is = content.prediction.cell_class_id == content.cell_class.pk and content.prediction.shape == content.shape
    return Provenance.ACCEPTED if as_it_is else Provenance.CORRECTED


def _verb(old: CellContent, new: CellContent) -> str:
    if old.deleted != new.deleted:
        return "deleted" if new.deleted else "restored"
    if old == replace(new, locked=old.locked):
        return "locked" if new.locked else "unlocked"
    return "changed"


def _state(cell: Cell) -> dict[str, Any]:
    return {
        "class": cell.cell_class.number,
        "kind": cell.kind,
        "points": cell.points,
        "attributes": cell.attributes,
        "version": cell.version,
        "deleted": cell.deleted_at is not None,
        "locked": cell.locked,
    }
