"""The workbench's page: a frame and a few words; the cells come by the API."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from annotation.access import Permission, visible_readings
from annotation.actions.references import choose_reference
from annotation.errors import Refused
from annotation.models import Cell, Field, Project, ReferenceCell
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
        "adjust": static("adjust.js"),
        "references": references_of(entry.project),
        "reference": reverse("references", args=[entry.project.key]) if "review" in entry.can else None,
        "queue": reverse("queue" if "label" in entry.can else "cases", args=[entry.project.key]),
    }
    return render(request, "annotation/workbench.html", entry.context("queue", field=field, page=page))


@login_required
@require_POST
def references(request: HttpRequest, key: str) -> JsonResponse:
    """Keep the cell that a reviewer has selected as a reference of its class."""
    entry = enter(request, key, Permission.REVIEW)
    readings = visible_readings(entry.actor, entry.project)
    try:
        cell = (
            Cell.objects.select_related("cell_class", "reading__field__project")
            .filter(reading__in=readings, uuid=request.POST.get("cell", ""))
            .first()
        )
        if cell is None:
            raise Http404("There is no such cell, or it is not yours to see.")
        chosen = choose_reference(cell=cell, actor=entry.actor, note=request.POST.get("note", ""), client="page")
    except ValidationError:
        return JsonResponse({"message": "Name the cell by its uuid."}, status=400)
    except Refused as error:
        return JsonResponse({"message": str(error)}, status=422)
    return JsonResponse({"class": cell.cell_class.number, **_shown(chosen, key)})


def references_of(project: Project) -> dict[str, list[dict[str, Any]]]:
    """The reference cells of each class, by its number; the first few of each."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows = ReferenceCell.objects.filter(cell_class__project=project).select_related("cell_class").order_by("pk")
    for row in rows[: 100 * REFERENCES]:
        shown = found.setdefault(str(row.cell_class.number), [])
        if len(shown) < REFERENCES:
            shown.append(_shown(row, project.key))
    return found


def _shown(row: ReferenceCell, key: str) -> dict[str, Any]:
    return {"picture": reverse("reference", args=[key, row.pk]), "note": row.note}
