"""Releases: made, listed, compared."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from annotation.access import Permission
from annotation.actions.releases import compare_releases, releases_of
from annotation.actions.transfers import start_release
from annotation.errors import Refused
from annotation.forms.transfers import ReleaseForm
from annotation.models import Project, Snapshot
from annotation.views.entry import enter

PAGE = 25


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def releases(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key, Permission.RUN)
    form = ReleaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = start_release(project=entry.project, actor=entry.actor, **form.cleaned_data)
            return redirect("transfer", key, made.pk)
        except Refused as error:
            form.add_error("name", str(error))
    known = list(releases_of(entry.project)[:200])
    newest = known[:2] if len(known) > 1 else [None, None]
    first = _release(entry.project, request.GET.get("first", "")) or newest[1]
    second = _release(entry.project, request.GET.get("second", "")) or newest[0]
    told = entry.context(
        "data",
        form=form,
        page=Paginator(releases_of(entry.project), PAGE).get_page(request.GET.get("page")),
        all_releases=known,
        first=first,
        second=second,
        compared=compare_releases(first, second) if first and second else None,
    )
    return render(request, "annotation/releases.html", told, status=422 if form.errors else 200)


def _release(project: Project, pk: str) -> Snapshot | None:
    return releases_of(project).filter(pk=int(pk)).first() if pk.isascii() and pk.isdigit() and len(pk) < 18 else None
