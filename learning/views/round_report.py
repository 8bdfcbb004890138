"""What predictions were worth in a round: a page, and the same numbers as a table for other programs."""

from __future__ import annotations

import csv
import io

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation.views.entry import Entry, enter
from learning.effort.anchoring import Figure
from learning.effort.report import Report, report_of
from learning.models import Round

COLUMNS = ("accepted", "moved", "relabelled", "rejected", "unanswered", "added", "seconds")


@login_required
@require_safe
def round_report(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Of each class what became of its predictions, the time per object, and whether readers follow the model."""
    entry = enter(request, key)
    round_ = _round(entry, number)
    return render(
        request, "learning/round_report.html", entry.context("rounds", round=round_, report=report_of(round_))
    )


@login_required
@require_safe
def round_report_table(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """The same as CSV: one row for each class, each kind of object and each measure of anchoring."""
    entry = enter(request, key)
    round_ = _round(entry, number)
    answer = HttpResponse(_table(report_of(round_)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{entry.project.key}-round-{round_.number}-report.csv"'
    return answer


def _round(entry: Entry, number: int) -> Round:
    return get_object_or_404(Round.objects.select_related("project", "batch"), project=entry.project, number=number)


def _table(report: Report) -> str:
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(["part", "name", *COLUMNS])
    for row in report.classes:
        write(["class", row.name, *(_number(getattr(row, name)) for name in COLUMNS)])
    write([])
    write(["part", "name", "objects", "timed", "median_s", "mean_s", "total_s"])
    for time in report.times:
        write(["time", time.kind, time.objects, time.timed, *map(_number, (time.median, time.mean, time.total))])
    write([])
    write(
        [
            "part",
            "name",
            *(f"{group}{end}" for group in ("blind", "shown", "difference") for end in ("", "_low", "_high")),
        ]
    )
    for one in report.anchoring:
        write(
            ["anchoring", one.name, *(_number(v) for f in (one.without, one.shown, one.difference) for v in _ends(f))]
        )
    return out.getvalue()


def _ends(figure: Figure) -> tuple[float | None, ...]:
    return figure.value, figure.low, figure.high


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
