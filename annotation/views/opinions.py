"""Second opinions: the cells whose readers were unsure, and the answers of reviewers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from annotation.access import Permission
from annotation.actions.opinions import give_opinion
from annotation.errors import Refused
from annotation.forms.opinions import OpinionForm
from annotation.models import Cell, Opinion
from annotation.views.entry import Entry, enter

A_PAGE, MOST_GIVEN = 24, 20


@login_required
@require_safe
def opinions(request: HttpRequest, key: str) -> HttpResponse:
    """The cells that ask and have no answer, the oldest first; below them the last answers."""
    return _opinions(request, enter(request, key, Permission.REVIEW))


def _opinions(request: HttpRequest, entry: Entry, status: int = 200, refusal: str = "") -> HttpResponse:
    waiting = Cell.objects.asking().filter(project=entry.project, opinions=None)
    related = waiting.select_related("reading__field__case", "cell_class", "author")
    page = Paginator(related.order_by("pk"), A_PAGE).get_page(request.GET.get("page"))
    given = Opinion.objects.filter(cell__project=entry.project).order_by("-pk")
    told = entry.context(
        "queue",
        page=page,
        rows=[(cell, entry.actor.pk in {cell.author_id, cell.reading.author_id}) for cell in page.object_list],
        choices=OpinionForm(project=entry.project).choices,
        given=given.select_related("cell__reading__field__case", "cell__cell_class", "cell_class", "author")[
            :MOST_GIVEN
        ],
        refusal=refusal,
    )
    return render(request, "annotation/opinions.html", told, status=status)


@login_required
@require_POST
def opinion_give(request: HttpRequest, key: str, uuid: UUID) -> HttpResponse:
    entry = enter(request, key, Permission.REVIEW)
    cells = Cell.objects.select_related("reading__field__case")
    cell = get_object_or_404(cells, project=entry.project, uuid=uuid)
    form = OpinionForm(request.POST, project=entry.project)
    if not form.is_valid():
        return _opinions(request, entry, status=422, refusal="Choose what the cell is.")
    said: dict[str, Any] = form.cleaned_data
    chosen = form.classes[said["opinion"]]
    try:
        give_opinion(
            cell=cell, cell_class=chosen, note=said["note"], version=said["version"], actor=entry.actor, client="page"
        )
    except Refused as error:
        return _opinions(request, entry, status=422, refusal=str(error))
    messages.success(request, f"{cell.reading.field.public_name}: your opinion, {chosen.name}, is kept for its reader.")
    return redirect("opinions", key)
