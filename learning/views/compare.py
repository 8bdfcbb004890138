"""Two models side by side: figures, what was set differently, and what each sees on one field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation.models import Field, Project
from annotation.views.entry import enter
from annotation.views.pictures import picture_address
from learning.exchange import plan_of
from learning.figures import reports
from learning.found import comparing
from learning.found.tables import NONE, SPLITS, Found
from learning.models import ModelVersion
from learning.views import cards
from learning.views.models import HEAVY
from learning.views.overlays import SHAPES, Overlay, differing

# Test is only reported: it comes last, and nothing is chosen by it.
OFFERED = ("tuning", "validation", "training", "test")
A_PAGE = 20
MOST_MODELS = 200
A_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Pair:
    """`first` and `second` as chosen; what they found is None where nothing was kept."""

    first: ModelVersion
    second: ModelVersion
    found: tuple[Found | None, Found | None]
    split: str

    @property
    def both(self) -> tuple[Found, Found] | None:
        first, second = self.found
        return None if first is None or second is None else (first, second)

    def query(self, **more: str | int) -> str:
        return urlencode({"a": self.first.label, "b": self.second.label, "split": self.split} | more)

    @property
    def name(self) -> str:
        """For what is kept of their comparison."""
        parts = (self.first.pk, self.first.sha256[:16], self.second.pk, self.second.sha256[:16], self.split)
        return ":".join(map(str, parts))


@login_required
@require_safe
def compare(request: HttpRequest, key: str) -> HttpResponse:
    """The fragment with the intervals is asked for by the page itself, because it takes a second or two."""
    entry = enter(request, key)
    choices = list(entry.project.models.order_by("-pk").defer(*HEAVY)[:MOST_MODELS])
    pair = _pair(request, entry.project, choices)
    told: dict[str, Any] = {"choices": choices, "pair": pair, "splits": OFFERED, "few_cases": reports.FEW_CASES}
    if pair is None:
        return render(request, "learning/compare.html", entry.context("models", **told))
    if request.GET.get("part") == "differences":
        whole = (
            "learning/compare.html" if not request.headers.get("HX-Request") else "learning/compare.html#differences"
        )
        told |= _compared(pair)
        if request.headers.get("HX-Request"):
            return render(request, whole, entry.context("models", **told))
    told |= _figures(pair) | _fields(request, pair, entry.project)
    return render(request, "learning/compare.html", entry.context("models", **told))


def _pair(request: HttpRequest, project: Project, choices: Sequence[ModelVersion]) -> Pair | None:
    """The two that are asked for, else the two newest of one kind."""
    known = {model.label: model for model in choices}
    first, second = known.get(request.GET.get("a", "")), known.get(request.GET.get("b", ""))
    if first is None:
        first = next((model for model in choices if second is None or model != second), None)
    if first is None:
        return None
    if second is None:
        others = [model for model in choices if model != first]
        second = next((model for model in others if model.kind == first.kind), others[0] if others else None)
    if second is None:
        return None
    rows = ModelVersion.objects.select_related("snapshot", "project").in_bulk([first.pk, second.pk])
    first, second = rows[first.pk], rows[second.pk]
    split = request.GET.get("split", "")
    found = (Found.open(first.path), Found.open(second.path))
    return Pair(first, second, found, split if split in OFFERED else OFFERED[0])


def _figures(pair: Pair) -> dict[str, Any]:
    """What stands in the models' rows: each measured when it was made, perhaps on other fields."""
    reported = [reports.headline(model.metrics.get(pair.split)) for model in (pair.first, pair.second)]
    empty = reports.Figure(None)
    lines = [
        (words, *(report.get(name, empty) for report in reported)) for name, words in reports.MEASURE_WORDS.items()
    ]
    counts = [model.snapshot.counts if model.snapshot else {} for model in (pair.first, pair.second)]
    return {
        "lines": lines if any(reported) else [],
        "settings": list(cards.differing_settings(pair.first, pair.second)),
        "snapshots": [
            (words, counts[0].get(name, 0), counts[1].get(name, 0), counts[0].get(name, 0) - counts[1].get(name, 0))
            for name, words in _COUNTS.items()
        ]
        if all(counts)
        else [],
        "same_snapshot": all(counts) and pair.first.snapshot.sha256 == pair.second.snapshot.sha256,  # type: ignore[union-attr]  # there are counts
        "waiting": pair.both is not None,
        "missing": " and ".join(
            model.label for model, found in zip((pair.first, pair.second), pair.found, strict=True) if found is None
        ),
        "differences": pair.query(part="differences"),
    }


_COUNTS = {"fields": "Labelled fields", **{f"fields_{name}": f"{name} fields" for name in SPLITS}, "cells": "Cells"}


def _compared(pair: Pair) -> dict[str, Any]:
    """The paired differences, kept: neither the models nor what they found ever changes."""
    if pair.both is None:
        return {}
    name = f"compare:{pair.name}"
    kept: comparing.Comparison | None = cache.get(name)
    if kept is None:
        kept = comparing.compare(*pair.both, pair.split, plan_of(pair.first).output)
        cache.set(name, kept, A_DAY)
    lines = [_difference(words, kept.figures[name]) for name, words in reports.MEASURE_WORDS.items()]
    return {"comparison": kept, "differences_by_name": lines, "same_classes": pair.first.classes == pair.second.classes}


def _difference(words: str, gap: comparing.Difference) -> dict[str, str]:
    ends = gap.interval
    return {
        "words": words,
        "first": reports.Figure(gap.first).words,
        "second": reports.Figure(gap.second).words,
        "difference": "n/a" if gap.difference is None else f"{gap.difference:+.3f}",
        "interval": f"{ends[0]:+.3f} to {ends[1]:+.3f}" if ends else "n/a",
    }


def _fields(request: HttpRequest, pair: Pair, project: Project) -> dict[str, Any]:
    """The list of fields by disagreement, and the one that is looked at with the way to its neighbours."""
    if pair.both is None:
        return {}
    ranked = _ranked(pair)
    if not len(ranked.fields):
        return {"ranked": ranked}
    place = _place(request, ranked, project)
    page = Paginator(range(len(ranked.fields)), A_PAGE).get_page(request.GET.get("page") or place // A_PAGE + 1)
    listed = [int(ranked.fields[at]) for at in page.object_list]
    around = {at: int(ranked.fields[at]) for at in (place - 1, place, place + 1) if 0 <= at < len(ranked.fields)}
    rows = Field.objects.select_related("case", "project").in_bulk({*listed, *around.values()})
    field = rows.get(around[place])
    told = {
        "ranked": ranked,
        "page": page,
        "kept": pair.query() + "&",
        "listed": [
            (rows[pk], int(ranked.counts[at])) for at, pk in zip(page.object_list, listed, strict=True) if pk in rows
        ],
        "field": field,
        "place": place + 1,
        "before": rows.get(around.get(place - 1, NONE)),
        "after": rows.get(around.get(place + 1, NONE)),
    }
    return told | (_side_by_side(pair, pair.both, field, project) if field else {})


def _ranked(pair: Pair) -> comparing.Disagreements:
    name = f"disagreements:{pair.name}"
    kept: comparing.Disagreements | None = cache.get(name)
    if kept is None and pair.both is not None:
        kept = comparing.disagreements(*pair.both, pair.split)
        cache.set(name, kept, A_DAY)
    if kept is None:
        raise Http404("Nothing is kept of what these models found.")
    return kept


def _place(request: HttpRequest, ranked: comparing.Disagreements, project: Project) -> int:
    """Where the field that is asked for stands in the list; the first where none is, or another."""
    code = request.GET.get("field", "")
    pk = Field.objects.filter(project=project, code=code).values_list("pk", flat=True).first() if code else None
    there = [] if pk is None else (ranked.fields == pk).nonzero()[0]
    return int(there[0]) if len(there) else 0


def _side_by_side(pair: Pair, both: tuple[Found, Found], field: Field, project: Project) -> dict[str, Any]:
    names = dict(project.classes.values_list("number", "name"))
    views = [Overlay.of(found, field.pk, names) for found in both]
    differ = differing(views)
    for number, line in enumerate(differ, start=1):
        for view in views:
            view.number(line["uuid"], number)
    longest = max(field.width, field.height)
    return {
        "shapes": SHAPES,
        "views": list(zip((pair.first.label, pair.second.label), views, strict=True)),
        "differ": differ,
        "picture": picture_address(field),
        "line": round(longest / 320, 2),
        "dash": f"{longest / 80:.1f} {longest / 160:.1f}",
        "letters": round(longest / 36, 1),
    }
