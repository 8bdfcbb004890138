"""Erasing a case, with its code typed as a confirmation; and the record of what was erased."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation.access import Permission
from annotation.errors import Refused
from annotation.models import Case
from annotation.views.entry import enter
from learning.actions import erasing


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def erase_case(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    entry = enter(request, key, Permission.ADMINISTER)
    case = get_object_or_404(Case, project=entry.project, pk=pk)
    fault = ""
    if request.method == "POST":
        case.project = entry.project
        try:
            confirm = request.POST.get("confirm", "")
            erasing.erase_case(case=case, confirm=confirm, actor=entry.actor, client="page")
        except Refused as error:
            fault = str(error)
        else:
            messages.success(request, "The case was erased. Backups that were made before still hold it.")
            return redirect("erasures", key)
    told = entry.context("cases", case=case, fault=fault, fields=case.fields.count())
    return render(request, "learning/erase_case.html", told, status=422 if fault else 200)


@login_required
@require_safe
def erasures(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key, Permission.ADMINISTER)
    rows = entry.project.erasures.select_related("author")
    return render(request, "learning/erasures.html", entry.context("cases", erasures=rows))
