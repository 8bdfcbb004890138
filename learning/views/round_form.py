"""The page that starts a round: its form, and what the round would learn from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotation.access import Permission
from annotation.errors import Refused
from annotation.models import Project
from annotation.views.entry import Entry, enter
from learning.actions.rounds import start_round
from learning.forms.rounds import RoundForm, settings_of
from learning.material import material_of
from learning.models import Round
from learning.settings import RoundSettings, to_row
from learning.states import WORKING, RoundState
from learning.views.words import duration, many

# A second, equal request of the same person within this time is the same click.
SAME_CLICK = timedelta(seconds=30)
OFFERED = 8


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_round(request: HttpRequest, key: str) -> HttpResponse:
    """The form, filled from the project's defaults or from round `from`; by POST the round is started.

    With `material` only what the round would learn from, for the values that stand in the form.
    """
    entry = enter(request, key, Permission.RUN)
    like = _like(entry.project, request.POST.get("from") or request.GET.get("from"))
    start = settings_of(like.settings if like else entry.project.round_defaults)
    if request.method == "POST":
        return _start(request, entry, RoundForm(request.POST, start=start), like)
    if "material" in request.GET:
        told = {"material": material_of(entry.project, _previewed(request, start))}
        return render(request, "learning/new_round.html#material", entry.context("rounds", **told))
    return _page(request, entry, RoundForm(start=start), like, start)


def _like(project: Project, number: str | None) -> Round | None:
    """The round whose settings are taken over; None where there is no such round."""
    if not number or not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    return project.rounds.filter(number=int(number)).first()


def _previewed(request: HttpRequest, start: RoundSettings) -> RoundSettings:
    """`start` with what the preview depends on as it stands in the form, as far as it can be read."""
    given = RoundForm(
        to_row(start) | {name: request.GET[name] for name in RELEVANT if name in request.GET}, start=start
    )
    given.is_valid()
    return replace(start, **{name: given.cleaned_data[name] for name in RELEVANT if name in given.cleaned_data})


RELEVANT = ("min_cells", "artefacts", "budget")


def _start(request: HttpRequest, entry: Entry, form: RoundForm, like: Round | None) -> HttpResponse:
    if form.is_valid():
        settings = form.settings()
        try:
            round_ = start_round(project=entry.project, settings=settings, actor=entry.actor)
            messages.success(request, f"Round {round_.number} has begun.")
            return redirect("round", entry.project.key, round_.number)
        except Refused as error:
            same = _same_click(entry, settings)
            if same is not None:
                return redirect("round", entry.project.key, same.number)
            form.add_error(None, _in_words(entry.project, error))
    return _page(request, entry, form, like, settings_of(form.cleaned_data), status=422)


def _same_click(entry: Entry, settings: RoundSettings) -> Round | None:
    """The round that this very request has started a moment ago."""
    return entry.project.rounds.filter(
        author=entry.actor,
        state=RoundState.TRAINING,
        settings=to_row(settings),
        created_at__gt=timezone.now() - SAME_CLICK,
    ).first()


def _in_words(project: Project, error: Refused) -> str:
    busy = project.rounds.filter(state__in=WORKING).first()
    if busy is None:
        return str(error)
    return f"Round {busy.number} is still {busy.state}. Wait until it has ended, or cancel it; then start this one."


def _page(
    request: HttpRequest, entry: Entry, form: RoundForm, like: Round | None, now: RoundSettings, status: int = 200
) -> HttpResponse:
    project = entry.project
    told: dict[str, Any] = {
        "form": form,
        "like": like,
        "material": material_of(project, now),
        "busy": project.rounds.filter(state__in=WORKING).first(),
        "earlier": project.rounds.order_by("-number").values_list("number", flat=True)[:OFFERED],
        "time": _time(project),
        "next_number": (project.rounds.order_by("-number").values_list("number", flat=True).first() or 0) + 1,
    }
    return render(request, "learning/new_round.html", entry.context("rounds", **told), status=status)


def _time(project: Project) -> str:
    """How long the newest round took that came to its end: the best hint there is, with what it depends on."""
    ended = project.rounds.filter(state__in=[RoundState.LABELLING, RoundState.DONE], teacher__isnull=False)
    last = ended.select_related("teacher").defer("teacher__metrics").order_by("-number").first()
    if last is None or last.teacher is None:
        return ""
    runs = list(last.runs.values_list("step", "seconds"))
    worked = sum(seconds for _, seconds in runs)
    if not worked:
        return ""
    card = last.teacher.card
    shares = ", ".join(f"{step} {duration(seconds)}" for step, seconds in runs if seconds)
    learned = card.get("labelled", {}).get("training")
    basis = [f"{last.teacher.variant}", f"{card['epochs']} epochs" if card.get("epochs") else ""]
    basis += [f"tile {last.teacher.tile}", f"on {many(learned, 'field')}" if learned is not None else ""]
    words = ", ".join(part for part in basis if part)
    return f"Round {last.number} took {duration(worked)} of work ({shares}) with {words}."
