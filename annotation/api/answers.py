"""What the API says of fields, readings, cells and predictions: plain dictionaries, because a field may hold thousands.

Each comes with its serializer, from which the schema is written.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers as s

from annotation.models import (
    Cell,
    CellClass,
    ClassKind,
    Opinion,
    Prediction,
    Provenance,
    Reading,
    ReadingState,
    ShapeKind,
    Source,
)
from annotation.models.project import WeakShape

# So many deleted cells come with a field.
TRASH = 200


def name_of(user: User | None) -> str | None:
    """How others see a person."""
    return None if user is None else user.get_full_name() or user.get_username()


def cell_json(cell: Cell) -> dict[str, Any]:
    """Needs class and author selected along."""
    return {
        "uuid": str(cell.uuid),
        "version": cell.version,
        "class": cell.cell_class.number,
        "shape": {"kind": cell.kind, "points": cell.points},
        "attributes": cell.attributes,
        "prediction": cell.prediction_id,
        "provenance": cell.provenance,
        "deleted": cell.deleted_at is not None,
        "locked": cell.locked,
        "author": name_of(cell.author),
    }


def cells_json(reading: Reading) -> list[dict[str, Any]]:
    """The living cells of a reading."""
    rows = reading.cells.select_related("cell_class", "author").order_by("pk")
    return [cell_json(cell) for cell in rows.alive()]


def trash_json(reading: Reading) -> list[dict[str, Any]]:
    """The cells of a reading that were deleted last, the last at the end: what can be brought back without asking."""
    rows = reading.cells.filter(deleted_at__isnull=False).select_related("cell_class", "author")
    return [cell_json(cell) for cell in reversed(rows.order_by("-deleted_at", "-pk")[:TRASH])]


def opinion_json(row: Opinion) -> dict[str, Any]:
    """Needs cell, class and author selected along."""
    return {
        "cell": str(row.cell.uuid),
        "class": row.cell_class.number,
        "note": row.note,
        "author": name_of(row.author),
        "at": row.created_at,
    }


def opinions_json(reading: Reading) -> list[dict[str, Any]]:
    """The second opinions on living cells of a reading, oldest first."""
    rows = Opinion.objects.filter(cell__reading=reading, cell__deleted_at=None)
    return [opinion_json(row) for row in rows.select_related("cell", "cell_class", "author").order_by("pk")]


def class_json(row: CellClass) -> dict[str, Any]:
    """Needs its parent selected along."""
    return {
        "number": row.number,
        "key": row.key,
        "name": row.name,
        "parent": row.parent.number if row.parent else None,
        "tier": row.tier,
        "lineage": row.lineage,
        "colour": row.colour,
        "line": row.line,
        "hotkey": row.hotkey,
        "counted": row.counted,
        "kind": row.kind,
        "guideline": row.guideline,
        "retired": row.retired_at is not None,
    }


def reading_json(reading: Reading, actor: User) -> dict[str, Any]:
    """Needs its author selected along."""
    return {
        "id": reading.pk,
        "state": reading.state,
        "exhaustive": reading.exhaustive,
        "mine": reading.author_id == actor.pk,
        "author": name_of(reading.author),
        "source": reading.source,
    }


def holder_json(holder: Reading) -> dict[str, Any]:
    """Who is at work on a field; needs the author selected along."""
    return {"name": name_of(holder.author), "until": holder.lease_until}


def prediction_json(row: Prediction, *, rejected: bool, cell: Any) -> dict[str, Any]:
    """`cell`: the uuid of what was made of it in the reading that is shown. Needs its class selected along."""
    return {
        "id": row.pk,
        "class": row.cell_class.number,
        "shape": {"kind": row.kind, "points": row.points},
        "score": row.score,
        "class_scores": row.class_scores,
        "rejected": rejected,
        "cell": None if cell is None else str(cell),
    }


def predictions_json(rows: list[Prediction], reading: Reading | None) -> list[dict[str, Any]]:
    """What became of each prediction in `reading`; two queries."""
    if reading is None:
        return [prediction_json(row, rejected=False, cell=None) for row in rows]
    rejected = set(reading.rejections.filter(withdrawn_at=None).values_list("prediction_id", flat=True))
    made = reading.cells.alive().filter(prediction__isnull=False).order_by("-pk")
    cells = dict(made.values_list("prediction_id", "uuid"))
    return [prediction_json(row, rejected=row.pk in rejected, cell=cells.get(row.pk)) for row in rows]


class Message(s.Serializer[Any]):
    """What is wrong and what to do; `faults` tells it field by field where the request could not be read."""

    message = s.CharField()
    faults = s.DictField(child=s.JSONField(), required=False)


class ShapeAnswer(s.Serializer[Any]):
    """In pixels of the field: circle cx, cy, r; box x0, y0, x1, y1; contour x, y, x, y, ... (not closed)."""

    kind = s.ChoiceField(ShapeKind.choices)
    points = s.ListField(child=s.FloatField())


# Where a field is called `class`, which Python's own classes cannot say, the serializer is made by `type`.
Fields = dict[str, Any]
_NUMBER = s.IntegerField(min_value=0, max_value=2**31 - 1, help_text="number of a class of the project")
_CONTENT: Fields = {
    "uuid": s.UUIDField(),
    "version": s.IntegerField(min_value=0, max_value=2**31 - 1, help_text="the one that was seen; 0 for a new cell"),
    "class": _NUMBER,
    "shape": ShapeAnswer(),
}
_OPTIONAL: Fields = {
    "attributes": s.DictField(child=s.JSONField(), required=False),
    "prediction": s.IntegerField(min_value=1, allow_null=True, required=False),
    "deleted": s.BooleanField(required=False),
    "locked": s.BooleanField(required=False, help_text="finished: nothing else about it changes until it is unlocked"),
    "unlocked": s.BooleanField(required=False, help_text="a locked cell was unlocked in between, and is locked again"),
}
_SECONDS: Fields = {
    "seconds": s.FloatField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=86_400,
        help_text="how long the person was active for this change, pauses above 30 s left out",
    )
}


def made(name: str, fields: Fields, doc: str = "") -> type[s.Serializer[Any]]:
    return type(name, (s.Serializer,), {"__doc__": doc, **fields})


CELL: Fields = {
    **_CONTENT,
    "attributes": s.DictField(child=s.JSONField()),
    "prediction": s.IntegerField(allow_null=True),
    "provenance": s.ChoiceField(Provenance.choices),
    "deleted": s.BooleanField(),
    "locked": s.BooleanField(),
    "author": s.CharField(allow_null=True),
}
CellAnswer = made("Cell", CELL, "One labelled object of a reading.")
ClassAnswer = made(
    "CellClass",
    {
        "number": s.IntegerField(help_text="from 1, given once and never used again"),
        "key": s.CharField(),
        "name": s.CharField(),
        "parent": s.IntegerField(allow_null=True, help_text="number of the class above"),
        "tier": s.IntegerField(),
        "lineage": s.CharField(allow_blank=True),
        "colour": s.CharField(),
        "line": s.CharField(),
        "hotkey": s.CharField(allow_blank=True),
        "counted": s.BooleanField(),
        "kind": s.ChoiceField(ClassKind.choices),
        "guideline": s.CharField(allow_blank=True),
        "retired": s.BooleanField(),
    },
)
PredictionAnswer = made(
    "Prediction",
    {
        "id": s.IntegerField(),
        "class": s.IntegerField(),
        "shape": ShapeAnswer(),
        "score": s.FloatField(),
        "class_scores": s.ListField(
            child=s.ListField(child=s.FloatField()), help_text="the best three: class number, score"
        ),
        "rejected": s.BooleanField(help_text="in the reading that is shown"),
        "cell": s.UUIDField(allow_null=True, help_text="what was made of it in the reading that is shown"),
    },
)


ReadingAnswer = made(
    "Reading",
    {
        "id": s.IntegerField(),
        "state": s.ChoiceField(ReadingState.choices),
        "exhaustive": s.BooleanField(),
        "mine": s.BooleanField(),
        "author": s.CharField(allow_null=True),
        "source": s.ChoiceField(Source.choices),
    },
)


class OpenedAnswer(s.Serializer[Any]):
    reading = ReadingAnswer()
    cells = s.ListField(child=CellAnswer())


class CellsAnswer(s.Serializer[Any]):
    cells = s.ListField(child=CellAnswer())


CellSaid = made("CellRequest", {**_CONTENT, **_OPTIONAL}, "A cell as it is to be, whole.")
CellBody = made(
    "CellBody",
    {name: field for name, field in (_CONTENT | _OPTIONAL).items() if name != "uuid"},
    "A cell as it is to be, whole; its uuid stands in the address.",
)
CellChange = made("CellChange", {"type": s.ChoiceField([("cell", "cell")]), **_CONTENT, **_OPTIONAL, **_SECONDS})


class RejectionChange(s.Serializer[Any]):
    type = s.ChoiceField([("rejection", "rejection")])
    prediction = s.IntegerField(min_value=1)
    rejected = s.BooleanField()
    seconds = _SECONDS["seconds"]


class SavedAnswer(s.Serializer[Any]):
    """Saved: `cell` is what is kept (none for a rejection). Stale: what it is now. Refused: `message` says why."""

    status = s.ChoiceField([("saved", "saved"), ("stale", "stale"), ("refused", "refused")])
    cell = CellAnswer(required=False)
    message = s.CharField(required=False)


class ChangesAnswer(s.Serializer[Any]):
    results = SavedAnswer(many=True)


class ConflictAnswer(s.Serializer[Any]):
    current = CellAnswer()


class TilesInfo(s.Serializer[Any]):
    """A tile is found at ADDRESS/LEVEL/COLUMN-ROW.png?v=VERSION; level 0 has the picture's own pixels."""

    address = s.CharField()
    version = s.CharField()
    size = s.IntegerField(help_text="pixels a side; those at the right and lower edge are smaller")
    levels = s.IntegerField(help_text="each has half the pixels of the one before")


class FieldInfo(s.Serializer[Any]):
    code = s.CharField()
    name = s.CharField(help_text="case and code: what exports and reports call the field")
    width = s.IntegerField()
    height = s.IntegerField()
    um_per_px = s.FloatField(allow_null=True)
    image = s.CharField(help_text="address of the picture")
    tiles = TilesInfo(allow_null=True, help_text="of a large picture, which is not shown in one piece")
    previous = s.CharField(allow_null=True, help_text="page of the field before")
    next = s.CharField(allow_null=True)


ModelInfo = made(
    "ModelInfo",
    {
        "id": s.IntegerField(),
        "label": s.CharField(),
        "threshold": s.FloatField(help_text="the score from which its predictions are shown"),
    },
)


class ProjectInfo(s.Serializer[Any]):
    key = s.CharField()
    weak_shape = s.ChoiceField(WeakShape.choices)


MayInfo = made("MayInfo", {"label": s.BooleanField(), "review": s.BooleanField(), "run": s.BooleanField()})


class HolderAnswer(s.Serializer[Any]):
    name = s.CharField(allow_null=True)
    until = s.DateTimeField(help_text="unless that person's page renews it")


OpinionAnswer = made(
    "Opinion",
    {
        "cell": s.UUIDField(),
        "class": s.IntegerField(help_text="what the reviewer says it is"),
        "note": s.CharField(allow_blank=True),
        "author": s.CharField(allow_null=True),
        "at": s.DateTimeField(),
    },
    "A second opinion on a cell whose reader was unsure.",
)


class WorkbenchAnswer(s.Serializer[Any]):
    """All that the page of a field needs once."""

    field = FieldInfo()
    project = ProjectInfo()
    classes = s.ListField(child=ClassAnswer())
    model = ModelInfo(allow_null=True)
    newest = ModelInfo(allow_null=True, help_text="whose predictions an untouched field shows")
    predictions = s.ListField(child=PredictionAnswer())
    predictions_hidden = s.BooleanField(help_text="the field is read without predictions: they come when you are done")
    reading = ReadingAnswer(allow_null=True)
    holder = HolderAnswer(allow_null=True, help_text="somebody else who is at work on this field")
    cells = s.ListField(child=CellAnswer())
    trash = s.ListField(child=CellAnswer(), help_text="the last deleted cells of your own reading")
    opinions = s.ListField(child=OpinionAnswer(), help_text="second opinions on cells of the reading, oldest first")
    keys = s.DictField(child=s.ListField(child=s.CharField()), help_text="keys that you have changed, by command")
    may = MayInfo()


class SuggestedAnswer(s.Serializer[Any]):
    model = ModelInfo(allow_null=True, help_text="whose predictions are shown")
    newest = ModelInfo(allow_null=True, help_text="whose predictions an untouched field shows")
    predictions_hidden = s.BooleanField(help_text="the field is read without predictions: they come when you are done")


class PredictionsAnswer(SuggestedAnswer):
    predictions = s.ListField(child=PredictionAnswer())
