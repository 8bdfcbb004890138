"""The workbench's page: a frame and a few words; the cells come by the API."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from annotation.models import Field, Project, ReferenceCell
from annotation.views.entry import enter

# So many reference cells of a class are shown beside its guideline.
REFERENCES = 6


@login_required
@require_safe
@ensure_csrf_cookie
def workbench(request: HttpRequest, key: str, code: str) -> HttpResponse:
    """One field, to be labelled or looked at."""
    entry = enter(request, key)
    field = get_object_or_404(Field.objects.select_related("case", "slide"), project=entry.project, code=code)
    page = {
        "project": entry.project.key,
        "field": field.code,
        "references": references_of(entry.project),
        "queue": reverse("queue" if "label" in entry.can else "cases", args=[entry.project.key]),
    }
    return render(request, "annotation/workbench.html", entry.context("queue", field=field, page=page))


def references_of(project: Project) -> dict[str, list[dict[str, Any]]]:
    """The reference cells of each class, by its number; the first few of each."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows = ReferenceCell.objects.filter(cell_class__project=project).select_related("cell_class").order_by("pk")
    for row in rows[: 100 * REFERENCES]:
        shown = found.setdefault(str(row.cell_class.number), [])
        if len(shown) < REFERENCES:
            shown.append({"picture": reverse("reference", args=[project.key, row.pk]), "note": row.note})
    return found
