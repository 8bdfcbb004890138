"""What a new round of a project starts from: everybody reads it, engineers and administrators change it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from annotation.access import Permission
from annotation.actions.projects import keep_round_defaults, set_round_start
from annotation.errors import Refused
from annotation.views.entry import enter
from learning.actions.rounds import check_names
from learning.actions.starting import count_submitted
from learning.forms.rounds import RoundForm, StartForm, settings_of
from learning.settings import to_row
from learning.views.words import settings_in_words


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def round_defaults(request: HttpRequest, key: str) -> HttpResponse:
    sent = request.method == "POST"
    entry = enter(request, key, Permission.RUN if sent else Permission.VIEW)
    kept = settings_of(entry.project.round_defaults)
    form = RoundForm(request.POST if sent else None, start=kept)
    if sent and form.is_valid():
        try:
            check_names(form.settings())
            keep_round_defaults(
                project=entry.project, defaults=to_row(form.settings()), actor=entry.actor, client="page"
            )
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "New rounds start from these settings now.")
            return redirect("round_defaults", key)
    told = entry.context("settings", form=form, words=settings_in_words(kept))
    return render(request, "learning/round_defaults.html", told, status=422 if sent else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def round_start(request: HttpRequest, key: str) -> HttpResponse:
    """When a round starts by itself."""
    sent = request.method == "POST"
    entry = enter(request, key, Permission.RUN if sent else Permission.VIEW)
    kept = {"after": entry.project.start_after, "at": entry.project.start_at}
    form = StartForm(request.POST if sent else None, initial=kept)
    if sent and form.is_valid():
        set_round_start(project=entry.project, **form.cleaned_data, actor=entry.actor, client="page")
        messages.success(request, "Kept. The page of a round says why it started.")
        return redirect("round_start", key)
    last = entry.project.rounds.order_by("number").last()
    told = entry.context("settings", form=form, submitted=count_submitted(entry.project, last), last=last)
    return render(request, "learning/round_start.html", told, status=422 if sent else 200)
