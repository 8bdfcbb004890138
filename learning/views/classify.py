"""One cell: its class, how sure the classifier is, what it looked at. Of a field, or of a picture that is brought."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings as config
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from annotation.errors import Refused
from annotation.models import Cell
from annotation.views.entry import Entry, enter
from learning.actions.classifiers import newest_classifier
from learning.actions.classifying import ANSWER_MINUTES, ask_about_cell, ask_about_picture, ask_for_smooth_grad
from learning.figures.lines import Axis, LineChart, Marker, Series, line_chart
from learning.figures.reports import Matrix, cell_confusion
from learning.models import CellQuestion, Classifier, QuestionState
from learning.views.mistakes import split_of
from learning.views.models import names_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def classify(request: HttpRequest, key: str) -> HttpResponse:
    """The newest classifier, and the form that brings it a picture of one cell."""
    entry = enter(request, key)
    refused = ""
    if request.method == "POST":
        brought = request.FILES.get("picture")
        try:
            if brought is None:
                raise Refused("Choose a picture of one cell first.")
            if (brought.size or 0) > config.CELL_UPLOAD_MB * 1_000_000:  # not read, and so not held in memory
                raise Refused(f"The file is too large: a picture of one cell may have {config.CELL_UPLOAD_MB} MB.")
            question = ask_about_picture(project=entry.project, picture=brought.read(), actor=entry.actor)
        except Refused as error:
            refused = str(error)
        else:
            return redirect("classified", key, question.uuid)
    classifier = newest_classifier(entry.project)
    split = "" if classifier is None else split_of(request, classifier)
    told = entry.context(
        "models",
        classifier=classifier,
        refused=refused,
        most=config.CELL_UPLOAD_MB,
        minutes=ANSWER_MINUTES,
        charts=[] if classifier is None else _charts(classifier),
        split=split,
        confusion=None if classifier is None else _confusion(classifier, split, names_of(entry.project)),
    )
    return render(request, "learning/classify.html", told, status=422 if refused else 200)


def _confusion(classifier: Classifier, split: str, names: dict[str, str]) -> Matrix | None:
    return cell_confusion(classifier.metrics.get(split), classifier.card.get("classes", []), names)


def _charts(classifier: Classifier) -> list[LineChart]:
    """Loss and accuracy by epoch, the best one marked."""
    rows, best = classifier.card.get("curves") or [], classifier.card.get("best_epoch") or 0
    marker = Marker(best, f"best epoch: {best}") if best else None
    charts = []
    for name, top in (("loss", None), ("accuracy", 1.0)):
        series = [
            Series(words, [(number, row.get(column)) for number, row in enumerate(rows, 1)], style)
            for style, (words, column) in enumerate((("training", name), ("validation", f"val_{name}")), 1)
            if any(column in row for row in rows)
        ]
        x, y = Axis("epoch", whole=True), Axis(name, 0.0, top)
        charts.append(line_chart(name.capitalize(), series, x=x, y=y, marker=marker))
    return charts if rows else []


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cell(request: HttpRequest, key: str, uuid: UUID) -> HttpResponse:
    """A labelled cell; by POST the classifier is asked about it."""
    entry = enter(request, key)
    shown = _cell(entry, uuid)
    refused = ""
    if request.method == "POST":
        try:
            question = ask_about_cell(cell=shown, actor=entry.actor)
        except Refused as error:
            refused = str(error)
        else:
            return redirect("classified", key, question.uuid)
    told = entry.context("models", cell=shown, classifier=newest_classifier(entry.project), refused=refused)
    return render(request, "learning/cell.html", told, status=422 if refused else 200)


def _cell(entry: Entry, uuid: UUID) -> Cell:
    rows = Cell.objects.select_related("reading__field__project", "reading__field__case", "cell_class")
    current = {"deleted_at": None, "reading__field__current_reading": F("reading")}
    return get_object_or_404(rows, project=entry.project, uuid=uuid, **current)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def classified(request: HttpRequest, key: str, uuid: UUID) -> HttpResponse:
    """The answer, for who asked and for nobody else; while it is awaited the page asks again every second.
    By POST the answer is to show SmoothGrad as well."""
    entry = enter(request, key)
    question = get_object_or_404(
        CellQuestion.objects.defer("picture"), project=entry.project, author=entry.actor, uuid=uuid
    )
    if request.method == "POST":
        ask_for_smooth_grad(question=question, actor=entry.actor)
        return redirect("classified", key, uuid)
    names = names_of(entry.project)
    answer: dict[str, Any] = question.answer or {}
    told = entry.context(
        "models",
        question=question,
        waiting=question.state in (QuestionState.WAITING, QuestionState.ANSWERING),
        address=reverse("classified", args=[key, uuid]),
        answer=answer,
        classes=[(names.get(name, name), f"{score:.1%}") for name, score in answer.get("classes", [])],
        share=None if answer.get("share") is None else f"{answer['share']:.0%}",
        minutes=ANSWER_MINUTES,
    )
    name = "learning/classified.html#answer" if request.headers.get("HX-Request") else "learning/classified.html"
    page = render(request, name, told)
    page["Cache-Control"] = "no-store"
    return page
