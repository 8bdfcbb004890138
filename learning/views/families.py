"""The models of a project by family, side by side: both matchings, curves, classes, cost; the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation.models import Project
from annotation.views.entry import enter
from learning.figures.lines import Axis, LineChart, Series, line_chart
from learning.figures.reports import FEW_CASES, MOST_CURVES
from learning.found.families import MATCHINGS, Measured, measure
from learning.found.tables import Found
from learning.models import ModelVersion
from learning.views.models import names_of
from models_zoo import registry

# Test is only reported: nothing is chosen by it.
OFFERED = ("tuning", "test")
MATCHING_WORDS = {"iou": "IoU of at least 0.5", "centre": "centres at most half a radius apart"}
# The newest so many are measured; older ones would make the page wait, and two of them can be compared anyway.
MOST_MODELS = 12
A_DAY = 24 * 3600
DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Line:
    """One model. `measured` is None where nothing was kept of what it found on the split."""

    model: ModelVersion
    family: str
    measured: Measured | None

    @property
    def figures(self) -> list[str]:
        """F1 and AP by IoU, then by centre."""
        return [
            _words(self.measured.by_matching[kind][name] if self.measured else None)
            for kind in MATCHINGS
            for name in ("f1", "ap50")
        ]

    @property
    def cost(self) -> list[str]:
        """Parameters in millions, seconds a field on a CPU and on a GPU; a dash where it was not measured."""
        parameters, cpu, gpu = self.costs
        return [f"{parameters / 1e6:.2f}" if parameters else DASH, _words(cpu), _words(gpu)]

    @property
    def costs(self) -> tuple[int | None, float | None, float | None]:
        cost = self.model.card.get("cost") or {}
        return cost.get("parameters"), cost.get("cpu"), cost.get("gpu")


def _words(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


@login_required
@require_safe
def families(request: HttpRequest, key: str) -> HttpResponse:
    """`split` and `match` choose what is shown, `model` (several) whose curves and classes."""
    entry = enter(request, key)
    split, matching = _one_of(request, "split", OFFERED), _one_of(request, "match", MATCHINGS)
    lines = lines_of(entry.project, split)
    chosen = _chosen(lines, request.GET.getlist("model"))
    told = entry.context(
        "models",
        lines=lines,
        chosen=chosen,
        labels=[line.model.label for line in chosen],
        split=split,
        splits=OFFERED,
        matching=matching,
        matchings=list(MATCHING_WORDS.items()),
        most=MOST_CURVES,
        left_out=max(0, entry.project.models.count() - MOST_MODELS),
        curves=_curves(chosen, matching),
        classes=list(_classes(chosen, matching, names_of(entry.project))),
        few=any(line.measured and line.measured.by_matching["iou"]["cases"] < FEW_CASES for line in lines),
        unlike=len({_basis(line) for line in lines if line.measured}) > 1,
    )
    return render(request, "learning/families.html", told)


@login_required
@require_safe
def families_table(request: HttpRequest, key: str) -> HttpResponse:
    """The same as CSV: for each model and matching one row over all classes, and one for each class."""
    entry = enter(request, key)
    split = _one_of(request, "split", OFFERED)
    answer = HttpResponse(
        _table(lines_of(entry.project, split), split, names_of(entry.project)), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{entry.project.key}-families-{split}.csv"'
    return answer


def lines_of(project: Project, split: str) -> list[Line]:
    """The newest models by family, then by age; each measured on `split` as its own labels were."""
    rows = project.models.order_by("-pk").defer("metrics", "gate", "calibration")[:MOST_MODELS]
    lines = [Line(model, family_of(model.variant), _measured(model, split)) for model in rows]
    return sorted(lines, key=lambda line: (line.family, line.model.pk))


def family_of(variant: str) -> str:
    try:
        return registry.spec(variant).family
    except ValueError:  # of a family that has left the zoo
        return "other"


def _measured(model: ModelVersion, split: str) -> Measured | None:
    """Kept, for neither a model nor what it found ever changes."""
    name = f"families:{model.pk}:{model.sha256[:16]}:{split}"
    kept: Measured | None = cache.get(name)
    if kept is None:
        found = Found.open(model.path)
        kept = measure(found, split) if found is not None else None
        if kept is not None:
            cache.set(name, kept, A_DAY)
    return kept


def _one_of(request: HttpRequest, name: str, offered: Sequence[str]) -> str:
    word = request.GET.get(name, "")
    return word if word in offered else offered[0]


def _chosen(lines: Sequence[Line], labels: Sequence[str]) -> list[Line]:
    """Those that are asked for, else the newest of each network; no more than can be told apart in one chart."""
    measured = [line for line in lines if line.measured]
    newest = {line.model.variant: line for line in sorted(measured, key=lambda line: line.model.pk)}
    wanted = [line for line in measured if line.model.label in labels]
    return (wanted or [line for line in measured if line in newest.values()])[:MOST_CURVES]


def _basis(line: Line) -> tuple[Any, ...]:
    """What a model was measured on, as far as it can be told: those that differ were not judged on the same labels."""
    report = line.measured.by_matching["iou"] if line.measured else {}
    return report.get("fields"), report.get("objects"), tuple(report.get("per_class") or ())


def _curves(chosen: Sequence[Line], matching: str) -> LineChart | None:
    series = []
    for line in chosen:
        curve = line.measured.curve(matching) if line.measured else []
        last = max((at for at, value in enumerate(curve) if value), default=-1)
        points = [(at / 100, value if at <= last else None) for at, value in enumerate(curve)]
        series.append(Series(f"{line.model.label}, {line.model.variant}", points))
    if not series:
        return None
    title = f"Mean over the classes, {MATCHING_WORDS[matching]}"
    return line_chart(title, series, x=Axis("Recall", 0, 1), y=Axis("Precision", 0, 1))


def _classes(chosen: Sequence[Line], matching: str, names: Mapping[str, str]) -> Iterator[tuple[str, list[Any]]]:
    """Each class that one of them tells apart: its name, and of each model its cells, F1 and AP."""
    tables = [line.measured.by_matching[matching]["per_class"] for line in chosen if line.measured]
    for key in dict.fromkeys(key for table in tables for key in table):
        yield names.get(key, key), [_of_class(table.get(key)) for table in tables]


def _of_class(row: Mapping[str, Any] | None) -> tuple[int | str, str, str]:
    return (DASH, DASH, DASH) if row is None else (row["truths"], _words(row["f1"]), _words(row["ap50"]))


COLUMNS = ("cells", "f1", "ap", "precision", "recall")
HEAD = ("model", "family", "network", "split", "matching", "class", *COLUMNS)
COSTS = ("parameters", "seconds_a_field_cpu", "seconds_a_field_gpu")


def _table(lines: Sequence[Line], split: str, names: Mapping[str, str]) -> str:
    out = io.StringIO()
    write = csv.writer(out).writerow
    write([*HEAD, *COSTS])
    for line in lines:
        whose = [line.model.label, line.family, line.model.variant, split]
        costs = ["" if value is None else value for value in line.costs]
        for matching in MATCHINGS if line.measured else ():
            report = line.measured.by_matching[matching] if line.measured else {}
            write([*whose, matching, "all", *_numbers(report, "objects"), *costs])
            for key, row in report["per_class"].items():
                write([*whose, matching, names.get(key, key), *_numbers(row, "truths"), "", "", ""])
        if not line.measured:
            write([*whose, "not measured", "all", "", "", "", "", "", *costs])
    return out.getvalue()


def _numbers(report: Mapping[str, Any], cells: str) -> list[Any]:
    rest = (report[name] for name in ("f1", "ap50", "precision", "recall"))
    return [report[cells], *("" if value is None else f"{value:.6g}" for value in rest)]
