"""The history of a field, or of one cell on it: who did what and when."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation.histories import events_of, names_of, told
from annotation.models import Cell, Field
from annotation.views.entry import enter

A_PAGE = 100


@login_required
@require_safe
def field_history(request: HttpRequest, key: str, code: str) -> HttpResponse:
    """The events of a field, newest first; `?cell=UUID` keeps to one cell."""
    entry = enter(request, key)
    field = get_object_or_404(Field.objects.select_related("project", "case"), project=entry.project, code=code)
    cell = _cell(request.GET.get("cell", ""))
    page = Paginator(events_of(field, entry.actor, cell), A_PAGE).get_page(request.GET.get("page"))
    names = names_of(field)
    rows = [told(event, names) for event in page.object_list]
    # Only a cell that counts now has a page of its own.
    counting = Cell.objects.alive().filter(reading=field.current_reading_id)
    askable = cell is not None and counting.filter(uuid=cell).exists()
    context = entry.context("queue", field=field, cell=cell, page=page, rows=rows, askable=askable)
    return render(request, "annotation/history.html", context)


def _cell(given: str) -> UUID | None:
    try:
        return UUID(given) if given else None
    except ValueError as error:
        raise Http404("There is no such cell.") from error
