"""The data of a project: what came in, what went out, and what is under way."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation.access import Permission
from annotation.actions.releases import releases_of
from annotation.models import DatasetImport, Project, Transfer, TransferKind, TransferState
from annotation.views.entry import enter

PAGE = 15


@login_required
@require_safe
def data(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key, Permission.RUN)
    project = entry.project
    under_way = _transfers(project).exclude(kind=TransferKind.EXPORT, state=TransferState.SUCCEEDED)
    told = entry.context(
        "data",
        open=_open(under_way)[:30],
        imports=Paginator(_imports(project), PAGE).get_page(request.GET.get("imports")),
        exports=Paginator(_transfers(project).filter(kind=TransferKind.EXPORT), PAGE).get_page(
            request.GET.get("exports")
        ),
        release_count=releases_of(project).count(),
        newest_release=releases_of(project).first(),
    )
    if request.GET.get("part") == "open":
        return render(request, "annotation/data.html#open", told)
    return render(request, "annotation/data.html", told)


def _transfers(project: Project) -> QuerySet[Transfer]:
    return Transfer.objects.filter(project=project).select_related("author").order_by("-id")


def _open(rows: QuerySet[Transfer]) -> QuerySet[Transfer]:
    """What somebody is at, or could go on with: uploads, previews, what runs, what failed."""
    ended = [TransferState.SUCCEEDED, TransferState.CANCELLED]
    done = rows.filter(kind__in=[TransferKind.IMPORT, TransferKind.RELEASE, TransferKind.EXPORT], state__in=ended)
    thrown_away = rows.filter(kind=TransferKind.PREVIEW, state=TransferState.CANCELLED, uploads=None)
    return rows.exclude(pk__in=done.values("pk")).exclude(pk__in=thrown_away.values("pk"))


def _imports(project: Project) -> QuerySet[DatasetImport, Any]:
    """Only the counts that are shown: the list of what was refused may be as long as the data set."""
    rows = DatasetImport.objects.filter(project=project).order_by("-id")
    return rows.values(
        "pk",
        "created_at",
        "format",
        who=F("author__username"),
        images=KT("counts__images"),
        objects=KT("counts__objects_stored"),
        already=KT("counts__already"),
        refused=KT("counts__refused"),
        transfer=KT("settings__transfer"),
    )
