"""The report of a round: of each class what became of its predictions, the time per object, and the anchoring."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import F, Q, QuerySet, Sum

from annotation.models import Cell, Event, Prediction, Provenance, Reading, Rejection, Source
from learning.effort.anchoring import Compared, FieldCounts, Placed, compare, counts_of
from learning.models import Round
from learning.suggestions import suggested

# What people do with an object, as the report names it. A correction is a prediction that was moved or relabelled.
KINDS = ("circle", "box", "contour", "accepted", "correction", "rejection", "deleted again")


@dataclass(slots=True)
class ClassRow:
    """Predictions go by the class that the model gave, cells added by hand by their own."""

    name: str
    colour: str
    line: str
    accepted: int = 0
    moved: int = 0
    relabelled: int = 0
    rejected: int = 0
    unanswered: int = 0
    added: int = 0
    seconds: float = 0.0

    @property
    def predicted(self) -> int:
        return self.accepted + self.moved + self.relabelled + self.rejected + self.unanswered


@dataclass(frozen=True, slots=True)
class TimeRow:
    """Active seconds of one kind of object; `timed` of them carry a time."""

    kind: str
    objects: int
    timed: int
    median: float | None
    mean: float | None
    total: float


@dataclass(slots=True)
class Report:
    """`readings`: those that predictions were shown in; `blind`: without; `left_out`: blind ones opened again since."""

    readings: int = 0
    blind: int = 0
    left_out: int = 0
    classes: list[ClassRow] = field(default_factory=list)
    times: list[TimeRow] = field(default_factory=list)
    anchoring: list[Compared] = field(default_factory=list)


def report_of(round_: Round) -> Report:
    """Of all closed readings that people made of the round's batch and that are current."""
    readings = list(_readings(round_))
    again = set(
        Event.objects.filter(reading__in=readings, verb="reopened", reading__blind=True).values_list(
            "reading_id", flat=True
        )
    )
    shown = [one for one in readings if not one.blind]
    blind = [one for one in readings if one.blind and one.pk not in again]
    made = _Maker(round_)
    compared = (
        [made.counts(one) for one in blind],
        [made.counts(one) for one in shown],
    )
    for reading in shown:
        made.add(reading)
    return Report(
        readings=len(shown),
        blind=len(blind),
        left_out=len(again),
        classes=made.rows(),
        times=_times(readings),
        anchoring=compare(*compared) if blind else [],
    )


def _readings(round_: Round) -> QuerySet[Reading]:
    rows = Reading.objects.final().filter(source=Source.DRAWN, field__batch_fields__batch=round_.batch_id)
    current = rows.filter(field__current_reading=F("pk")) if round_.batch_id else rows.none()
    return current.select_related("field__project").order_by("pk")


class _Maker:
    """Fills the rows of classes, reading by reading."""

    def __init__(self, round_: Round) -> None:
        self._classes = {row.pk: row for row in round_.project.classes.all()}
        self._rows = {
            pk: ClassRow(name=row.name, colour=row.colour, line=row.line) for pk, row in self._classes.items()
        }

    def rows(self) -> list[ClassRow]:
        return [row for row in self._rows.values() if row.predicted or row.added]

    def add(self, reading: Reading) -> None:
        answered = set[int]()
        seconds = _seconds_of(reading)
        cells = reading.cells.alive().select_related("prediction")
        for cell in cells:
            if cell.prediction is None:
                if cell.provenance == Provenance.DRAWN:
                    self._rows[cell.cell_class_id].added += 1
                    self._rows[cell.cell_class_id].seconds += seconds.get(cell.pk, 0.0)
                continue
            answered.add(cell.prediction.pk)
            row = self._rows[cell.prediction.cell_class_id]
            row.seconds += seconds.get(cell.pk, 0.0)
            if cell.cell_class_id != cell.prediction.cell_class_id:
                row.relabelled += 1
            elif cell.shape != cell.prediction.shape:
                row.moved += 1
            else:
                row.accepted += 1
        self._add_rejections(reading, answered)

    def _add_rejections(self, reading: Reading, answered: set[int]) -> None:
        rejected = Rejection.objects.filter(reading=reading, withdrawn_at=None).exclude(prediction__in=answered)
        times = _rejection_seconds([reading])
        for pk, class_pk in rejected.values_list("prediction_id", "prediction__cell_class_id"):
            answered.add(pk)
            self._rows[class_pk].rejected += 1
            self._rows[class_pk].seconds += times.get((reading.pk, pk), 0.0)
        for prediction in _shown(reading):
            if prediction.pk not in answered:
                self._rows[prediction.cell_class_id].unanswered += 1

    def counts(self, reading: Reading) -> FieldCounts:
        cells = reading.cells.alive().select_related("cell_class")
        counted = [_placed(cell) for cell in cells if cell.cell_class.kind == "cell"]
        return counts_of([_placed(one) for one in _shown(reading)], counted)


def _shown(reading: Reading) -> list[Prediction]:
    """What was shown from the model's threshold on, or would have been on a field that was read blind."""
    model = suggested(reading.field, reading, None).model
    if model is None:
        return []
    return list(Prediction.objects.filter(field=reading.field, model_id=model.pk, score__gte=model.threshold))


def _placed(thing: Cell | Prediction) -> Placed:
    x0, y0, x1, y1 = thing.shape.bounds
    return Placed((x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0 + y1 - y0) / 4, thing.cell_class_id)


def _seconds_of(reading: Reading) -> dict[int, float]:
    """Active seconds of each cell, over all that was done to it."""
    events = Event.objects.filter(reading=reading, cell__isnull=False, seconds__isnull=False)
    return dict(events.order_by().values_list("cell_id").annotate(Sum("seconds")))


def _rejection_seconds(readings: Iterable[Reading]) -> dict[tuple[int, int], float]:
    found: dict[tuple[int, int], float] = defaultdict(float)
    events = Event.objects.filter(
        reading__in=list(readings), cell=None, seconds__isnull=False, verb__startswith="reject"
    )
    for reading, after, seconds in events.values_list("reading_id", "after", "seconds"):
        if after is not None:
            found[reading, after["prediction"]] += seconds or 0.0
    return found


def _times(readings: list[Reading]) -> list[TimeRow]:
    """By what was made: one that was drawn goes by its shape in the end, one from a prediction by what became of it."""
    found: dict[str, list[float | None]] = {kind: [] for kind in KINDS}
    for reading in readings:
        seconds = _seconds_of(reading)
        mine = Q(events__reading=reading) & ~Q(provenance=Provenance.IMPORTED)
        for cell in reading.cells.filter(mine).distinct():
            found[_kind(cell)].append(seconds.get(cell.pk))
        rejected = Rejection.objects.filter(reading=reading, withdrawn_at=None)
        times = _rejection_seconds([reading])
        gone = set(reading.cells.filter(deleted_at__isnull=False).values_list("prediction_id", flat=True))
        for pk in rejected.values_list("prediction_id", flat=True):
            if pk not in gone:
                found["rejection"].append(times.get((reading.pk, pk)))
    return [_time_row(kind, values) for kind, values in found.items() if values]


def _kind(cell: Cell) -> str:
    if cell.deleted_at is not None:
        return "deleted again"
    named = {Provenance.ACCEPTED: "accepted", Provenance.CORRECTED: "correction"}
    return named.get(Provenance(cell.provenance), cell.kind)


def _time_row(kind: str, values: list[float | None]) -> TimeRow:
    timed = [value for value in values if value is not None]
    return TimeRow(
        kind,
        len(values),
        len(timed),
        statistics.median(timed) if timed else None,
        statistics.fmean(timed) if timed else None,
        sum(timed),
    )
