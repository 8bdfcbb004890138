"""How much room a project takes, and tidying it by hand."""

from __future__ import annotations

from dataclasses import asdict

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.views.decorators.http import require_http_methods

from annotation.access import Permission
from annotation.errors import Refused
from annotation.views.entry import enter
from learning.actions.tidying import tidy_project
from learning.keeping.sizes import sizes_of

WORDS = {
    "pictures": "Pictures of fields",
    "snapshots": "Frozen lists of labels",
    "models": "Models",
    "runs": "What trainings worked with, and their logs",
    "transfers": "Uploads and exports",
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def storage(request: HttpRequest, key: str) -> HttpResponse:
    sent = request.method == "POST"
    entry = enter(request, key, Permission.ADMINISTER if sent else Permission.VIEW)
    if sent:
        try:
            went = tidy_project(project=entry.project, actor=entry.actor)
        except Refused as error:
            messages.error(request, str(error))
        else:
            room, models = filesizeformat(went["bytes"]), ", ".join(went["models"]) or "none"
            messages.success(
                request, f"{room} are free again: {went['attempts']} folders of attempts; weights of models: {models}."
            )
        return redirect("storage", key)
    sizes = sizes_of(entry.project)
    lines = [(WORDS[name], count) for name, count in asdict(sizes).items()]
    days = {"attempts": settings.ATTEMPT_DAYS, "refused": settings.REFUSED_DAYS, "models": settings.KEEP_MODELS}
    return render(
        request, "learning/storage.html", entry.context("settings", lines=lines, total=sizes.total, days=days)
    )
