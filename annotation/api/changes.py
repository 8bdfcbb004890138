"""The changes that the workbench sends: read one by one, so that one that cannot be read never blocks another."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from rest_framework.exceptions import ValidationError

from annotation.actions.saving import MOST, CellEdit, Edit, RejectionEdit
from annotation.errors import Refused
from annotation.shapes import Shape

# More corners than any outline of a cell needs, and more than a database row should hold of attributes.
MOST_NUMBERS = 20_000
MOST_ATTRIBUTES = 10_000

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
# Longer than anybody is at work on one cell without a pause; the browser leaves pauses out.
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
RowNumber = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class _Shape(msgspec.Struct):
    kind: Literal["circle", "box", "contour"]
    points: Annotated[list[float], msgspec.Meta(max_length=MOST_NUMBERS)]


class _Cell(msgspec.Struct, tag="cell"):
    uuid: UUID
    version: Count
    number: Count = msgspec.field(name="class")
    shape: _Shape
    attributes: dict[str, Any] = {}
    prediction: RowNumber | None = None
    deleted: bool = False
    locked: bool = False
    unlocked: bool = False
    seconds: Seconds | None = None


class _Rejection(msgspec.Struct, tag="rejection"):
    prediction: RowNumber
    rejected: bool
    seconds: Seconds | None = None


def read_changes(data: Any) -> list[Edit | Refused]:
    """Raises ValidationError where the body is no list of changes at all."""
    changes = data.get("changes") if isinstance(data, dict) else None
    if not isinstance(changes, list):
        raise ValidationError({"changes": ["Send an object with a list of changes."]})
    if len(changes) > MOST:
        raise ValidationError({"changes": [f"These are {len(changes)} changes: send at most {MOST} at once."]})
    return [_read(change) for change in changes]


def read_cell(data: Any, uuid: UUID) -> CellEdit:
    """The body of one cell, whose uuid stands in the address. Raises Refused."""
    if not isinstance(data, dict):
        raise Refused("A cell is sent as a JSON object.")
    edit = _read(data | {"type": "cell", "uuid": str(uuid)})
    if isinstance(edit, Refused):
        raise edit
    if isinstance(edit, RejectionEdit):  # the type is set above
        raise TypeError("a cell was read as a rejection")
    return edit


def _read(change: Any) -> Edit | Refused:
    try:
        read = msgspec.convert(change, _Cell | _Rejection)
    except msgspec.ValidationError as error:
        return Refused(f"This change cannot be read: {error}.")
    if isinstance(read, _Rejection):
        return RejectionEdit(read.prediction, read.rejected, read.seconds)
    if len(msgspec.json.encode(read.attributes)) > MOST_ATTRIBUTES:
        return Refused(f"The attributes of a cell take at most {MOST_ATTRIBUTES} letters.")
    return CellEdit(
        uuid=read.uuid,
        version=read.version,
        number=read.number,
        shape=Shape(read.shape.kind, tuple(read.shape.points)),
        attributes=read.attributes,
        prediction=read.prediction,
        deleted=read.deleted,
        locked=read.locked,
        unlocked=read.unlocked,
        seconds=read.seconds,
    )
