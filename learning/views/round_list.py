"""The rows of the list of rounds, by a handful of queries however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.utils import timezone

from annotation.models import BatchField, Project
from learning.figures.lines import Axis, Band, LineChart, Series, line_chart
from learning.models import ModelVersion, Round
from learning.states import WORKING
from learning.views.round_parts import figure, interval
from learning.views.words import duration, tone

LEAST_CURVE = 2


@dataclass(frozen=True, slots=True)
class RoundRow:
    round: Round
    tone: str
    teacher: Mapping[str, Any] | None
    student: Mapping[str, Any] | None
    verdict: str
    verdict_tone: str
    ap50: str
    interval: str
    cells: int | None
    asked: int
    labelled: int
    took: str
    working: bool


def rounds_of(project: Project) -> QuerySet[Round]:
    return project.rounds.select_related("author", "batch").annotate(work=Sum("runs__seconds")).order_by("-number")


def rows_of(rounds: Sequence[Round]) -> list[RoundRow]:
    models = _models([pk for row in rounds for pk in (row.teacher_id, row.student_id) if pk])
    batches = _batches([row.batch_id for row in rounds if row.batch_id])
    now = timezone.now()
    return [_row(round_, models, batches, now) for round_ in rounds]


def _models(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Labels and headline figures; the rest of a model's figures would be megabytes for a page."""
    rows = ModelVersion.objects.filter(pk__in=ids).values(
        "id",
        "label",
        "accepted",
        cells=F("card__cells"),
        ap50=F("metrics__test__ap50"),
        ends=F("metrics__test__intervals__ap50"),
    )
    return {row["id"]: {**row} for row in rows}


def _batches(ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    rows = BatchField.objects.filter(batch__in=ids).order_by().values_list("batch")
    return {pk: (asked, done) for pk, asked, done in rows.annotate(Count("pk"), Count("field__current_reading"))}


def _row(
    round_: Round, models: Mapping[int, dict[str, Any]], batches: Mapping[int, tuple[int, int]], now: datetime
) -> RoundRow:
    teacher, student = models.get(round_.teacher_id or 0), models.get(round_.student_id or 0)
    measured = student or teacher
    asked, labelled = batches.get(round_.batch_id or 0, (0, 0))
    working = round_.state in WORKING
    work = (now - round_.created_at).total_seconds() if working else getattr(round_, "work", 0) or 0
    verdict, verdict_tone = _verdict(round_, teacher, student, working=working)
    cells = teacher or student
    return RoundRow(
        round=round_,
        tone=tone(round_.state),
        teacher=teacher,
        student=student,
        verdict=verdict,
        verdict_tone=verdict_tone,
        ap50=figure(measured["ap50"]) if measured else "",
        interval=interval(measured["ends"]) if measured else "",
        cells=sum(cells["cells"].values()) if cells and cells["cells"] else None,
        asked=asked,
        labelled=labelled,
        took=duration(work) if work else "",
        working=working,
    )


def _verdict(
    round_: Round, teacher: Mapping[str, Any] | None, student: Mapping[str, Any] | None, *, working: bool
) -> tuple[str, str]:
    if round_.deployed:
        return "deployed", "good"
    if student is not None:
        return "refused", "warn"
    if teacher is not None and not teacher["accepted"]:
        return "teacher refused", "warn"
    if teacher is None and round_.reason:
        return "no teacher", "quiet"
    return ("", "")


def learning_curve(rows: Sequence[RoundRow]) -> LineChart | None:
    """AP50 on test by round, of the students on this page; None where there are too few to make a line."""
    points = [(row.round.number, row.student["ap50"], row.student["ends"]) for row in rows if row.student]
    known = [(number, ap50) for number, ap50, _ in points if isinstance(ap50, int | float)]
    if len(known) < LEAST_CURVE:
        return None
    ends = [(number, *low_high) for number, _, low_high in points if isinstance(low_high, list)]
    return line_chart(
        "AP50 of the students on test",
        [Series("AP50 on test", known)],
        x=Axis("round", whole=True),
        y=Axis("AP50", low=0.0, high=1.0),
        band=Band("95 % interval over cases", ends) if ends else None,
        width=560,
        height=190,
    )
