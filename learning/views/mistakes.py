"""The cells that a classifier gave another class than the one they are labelled with, the surest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation.access import may_see_predictions
from annotation.models import Cell, CellClass
from annotation.views.entry import Entry, enter
from learning.figures import reports
from learning.found.judged import JudgedCell, mistakes
from learning.models import Classifier

A_PAGE = 24


@login_required
@require_safe
def classifier_mistakes(request: HttpRequest, key: str, label: str) -> HttpResponse:
    """Those of one split, and of one place of the confusion matrix where the address names it."""
    entry = enter(request, key)
    classifier = get_object_or_404(Classifier, project=entry.project, label=label)
    names: list[str] = classifier.card.get("classes", [])
    split = split_of(request, classifier)
    asked = {word: request.GET.get(word, "") for word in ("truth", "found")}
    asked = {word: name for word, name in asked.items() if name in names}
    outputs = {word: names.index(name) for word, name in asked.items()}
    wrong = mistakes(classifier.path, split, outputs.get("truth"), outputs.get("found"))
    page = Paginator(wrong or [], A_PAGE).get_page(request.GET.get("page"))
    classes = {row.key: row for row in entry.project.classes.all()}
    told = entry.context(
        "models",
        classifier=classifier,
        split=split,
        is_kept=wrong is not None,
        page=page,
        kept=urlencode({"split": split} | asked) + "&",
        truth=classes.get(asked.get("truth", "")),
        found=classes.get(asked.get("found", "")),
        cards=_cards(entry, list(page.object_list), names, classes),
    )
    return render(request, "learning/classifier_mistakes.html", told)


def split_of(request: HttpRequest, classifier: Classifier) -> str:
    """The split that the address asks for, else the first that the classifier was measured on."""
    asked = request.GET.get("split", "")
    there = [name for name in reports.SPLITS if name in classifier.metrics]
    return asked if asked in there else next(iter(there), reports.SPLITS[0])


def _cards(
    entry: Entry, listed: Sequence[JudgedCell], names: Sequence[str], classes: Mapping[str, CellClass]
) -> list[dict[str, Any]]:
    """`cell` is None where it was deleted or its field labelled anew since; `hidden`: this person reads it blind."""
    current = {"deleted_at": None, "reading__field__current_reading": F("reading")}
    rows = Cell.objects.filter(project=entry.project, uuid__in=[one.uuid for one in listed], **current)
    cells = {str(row.uuid): row for row in rows.select_related("reading__field__project", "cell_class")}
    cards = []
    for one in listed:
        cell = cells.get(one.uuid)
        cards.append(
            {
                "cell": cell,
                "hidden": cell is not None and not may_see_predictions(entry.actor, cell.reading.field),
                "truth": classes.get(names[one.truth]),
                "said": classes.get(names[one.said]),
                "score": one.score,
            }
        )
    return cards
