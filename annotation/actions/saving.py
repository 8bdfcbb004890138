"""What the workbench has to save, many changes at once: each for itself, so that a bad one never blocks another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from annotation.access import Actor
from annotation.actions.cells import CellContent, CellError, Pen, StaleVersionError, hold_reading
from annotation.actions.leases import refresh_lease
from annotation.actions.rejections import write_rejection
from annotation.errors import Refused
from annotation.models import Cell, CellClass, Prediction, Reading, Rejection
from annotation.shapes import Shape

MOST = 500


@dataclass(frozen=True, slots=True)
class CellEdit:
    """A cell as it is to be. `version` is the one that its author saw, 0 for a new cell; classes go by number.

    `seconds`: how long the author was active for this change.
    """

    uuid: UUID
    version: int
    number: int
    shape: Shape
    attributes: dict[str, Any]
    prediction: int | None = None
    deleted: bool = False
    locked: bool = False
    unlocked: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RejectionEdit:
    prediction: int
    rejected: bool
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one edit. Stale: `cell` is what it is now. Refused: `message` says why."""

    status: Literal["saved", "stale", "refused"]
    cell: Cell | None = None
    message: str = ""


Edit = CellEdit | RejectionEdit


@transaction.atomic
def save_changes(*, reading: Reading, edits: Sequence[Edit | Refused], actor: Actor, client: str = "") -> list[Saved]:
    """Save each of `edits`, in order, and say what became of it. The same edits again change nothing more.

    An edit that could not even be read comes as its Refused and is answered by it. In a reading that is closed or
    somebody else's each is refused. Raises Refused only for more than MOST edits.
    """
    if len(edits) > MOST:
        raise Refused(f"These are {len(edits)} changes: send at most {MOST} at once.")
    try:
        held = hold_reading(reading, actor)  # which asks whether the actor may
    except CellError as error:
        return [Saved("refused", message=str(error)) for _ in edits]
    work = _Work(Pen(held, actor, client), edits)
    results = [work.save(edit) for edit in edits]
    work.pen.finish()
    refresh_lease(held)
    return results


class _Work:
    """One request: what it may refer to is read once, then its edits are written one after the other."""

    def __init__(self, pen: Pen, edits: Sequence[Edit | Refused]) -> None:
        self.pen = pen
        field = pen.reading.field
        cells = [edit for edit in edits if isinstance(edit, CellEdit)]
        named = {edit.prediction for edit in edits if not isinstance(edit, Refused) and edit.prediction is not None}
        classes = field.project.classes.filter(number__in={edit.number for edit in cells})
        self._classes: dict[int, CellClass] = {row.number: row for row in classes}
        self._predictions: dict[int, Prediction] = {
            row.pk: row for row in Prediction.objects.filter(field=field, pk__in=named)
        }
        known = Cell.objects.filter(project_id=field.project_id, uuid__in={edit.uuid for edit in cells})
        self._cells: dict[UUID, Cell] = {
            row.uuid: row for row in known.select_related("cell_class", "prediction", "author")
        }
        rejections = Rejection.objects.filter(reading=pen.reading, prediction__in=self._predictions)
        self._rejections: dict[int, Rejection] = {row.prediction_id: row for row in rejections}

    def save(self, edit: Edit | Refused) -> Saved:
        before = len(self.pen.events)
        try:
            with transaction.atomic():
                return self._save(edit)
        except StaleVersionError as error:
            return Saved("stale", cell=error.current)
        except Refused as error:
            return Saved("refused", message=str(error))
        except (DataError, IntegrityError):
            # Another reading took the uuid in this very moment, or a value is beyond what a column holds. Of a database
            # that is busy the caller hears by the exception: the same is sent again, and nobody need draw anew.
            del self.pen.events[before:]
            return Saved("refused", message="The database could not keep this change: draw the cell anew.")

    def _save(self, edit: Edit | Refused) -> Saved:
        if isinstance(edit, Refused):
            raise edit
        self.pen.seconds = edit.seconds
        if isinstance(edit, RejectionEdit):
            prediction = self._prediction(edit.prediction)
            known = self._rejections.get(prediction.pk)
            row = write_rejection(self.pen, prediction, rejected=edit.rejected, known=known)
            if row is not None:
                self._rejections[prediction.pk] = row
            return Saved("saved")
        content = self._content(edit)
        cell = self._cells.get(edit.uuid)
        if edit.version == 0:
            cell = self.pen.draw(edit.uuid, content, cell)
        elif cell is None:
            raise CellError("The server does not know this cell: draw it anew.")
        else:
            cell = self.pen.change(cell, edit.version, content, unlocked=edit.unlocked)
        self._cells[edit.uuid] = cell
        return Saved("saved", cell=cell)

    def _content(self, edit: CellEdit) -> CellContent:
        cell_class = self._classes.get(edit.number)
        if cell_class is None:
            raise CellError(f"There is no class number {edit.number} in this project.")
        prediction = None if edit.prediction is None else self._prediction(edit.prediction)
        return CellContent(cell_class, edit.shape, edit.attributes, prediction, edit.deleted, edit.locked)

    def _prediction(self, pk: int) -> Prediction:
        found = self._predictions.get(pk)
        if found is None:
            raise CellError("There is no such prediction on this field.")
        return found
