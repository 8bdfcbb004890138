"""The settings of a project: everybody reads them, its administrators change them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from annotation.access import Permission
from annotation.actions.projects import change_project
from annotation.errors import Refused
from annotation.forms.projects import SettingsForm
from annotation.tallies import tally_fields
from annotation.views.entry import Entry, enter


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_settings(request: HttpRequest, key: str) -> HttpResponse:
    sent = request.method == "POST"
    entry = enter(request, key, Permission.ADMINISTER if sent else Permission.VIEW)
    form = SettingsForm(request.POST) if sent else SettingsForm.of(entry.project)
    if sent and form.is_valid():
        try:
            change_project(project=entry.project, change=form.change(), actor=entry.actor, client="page")
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The settings are saved.")
            return redirect("project_settings", key)
    return _answer(request, entry, form, 422 if sent else 200)


def _answer(request: HttpRequest, entry: Entry, form: SettingsForm, status: int) -> HttpResponse:
    splits = tally_fields(entry.project)
    told = entry.context(
        "settings",
        form=form,
        splits=splits.splits,
        whole=splits.whole,
        classes=entry.project.classes.filter(retired_at=None).count(),
    )
    return render(request, "annotation/project_settings.html", told, status=status)
