"""Pages of rounds: their list, one with its live progress, its log, and what is done with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import Permission
from annotation.errors import Refused
from annotation.views.entry import Entry, enter
from learning.actions.rounds import cancel_round, close_round, retry_round
from learning.forms.rounds import settings_of
from learning.models import Round, Run
from learning.states import RoundState, RunState, Step
from learning.views import round_parts as parts
from learning.views.log import LogFile, log_file, logs_of, read_log
from learning.views.losses import losses_of
from learning.views.round_list import learning_curve, rounds_of, rows_of
from learning.views.words import STEP_TITLES, settings_in_words, tone

A_PAGE, A_BATCH = 25, 24
TAIL_BYTES = 3_000


@login_required
@require_safe
def rounds(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key)
    page = Paginator(rounds_of(entry.project), A_PAGE).get_page(request.GET.get("page"))
    rows = rows_of(list(page.object_list))
    told = entry.context("rounds", page=page, rows=rows, curve=learning_curve(rows))
    return render(request, "learning/rounds.html", told)


@login_required
@require_safe
def round_page(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """The page; with `live` what of it changes while the round works: htmx asks for it every two seconds.

    `state` and `epochs` say what the asker has: the rest of the page and the curves are sent along when they changed.
    """
    entry = enter(request, key)
    round_ = _round(entry, number)
    runs = parts.runs_of(round_)
    live = _live(entry, round_, runs)
    if "live" not in request.GET:
        return render(
            request, "learning/round.html", live | _rest(request, entry, round_, runs) | _losses(round_, runs)
        )
    moved = request.GET.get("state") != round_.state
    if moved or request.GET.get("epochs") != str(live["epochs"]):  # which epoch was best is known when a step ends
        live |= _losses(round_, runs) | {"send_losses": True}
    if moved:
        live |= _rest(request, entry, round_, runs) | {"send_rest": True}
    return render(request, "learning/round.html#live", live)


def _round(entry: Entry, number: int) -> Round:
    rows = Round.objects.select_related("project", "batch", "author", "teacher", "student")
    return get_object_or_404(rows, project=entry.project, number=number)


def _live(entry: Entry, round_: Round, runs: dict[Step, Run]) -> dict[str, Any]:
    now = timezone.now()
    return entry.context(
        "rounds",
        round=round_,
        tone=tone(round_.state),
        working=parts.is_working(round_),
        steps=parts.steps_of(round_, runs, now),
        elapsed=parts.elapsed(round_, runs, now),
        epochs=parts.count_epochs(runs),
    )


def _losses(round_: Round, runs: dict[Step, Run]) -> dict[str, Any]:
    return {"losses": losses_of(runs, [round_.teacher, round_.student])}


def _rest(request: HttpRequest, entry: Entry, round_: Round, runs: dict[Step, Run]) -> dict[str, Any]:
    engineer = Permission.RUN in entry.can
    before = entry.project.rounds.filter(number__lt=round_.number).order_by("-number").first()
    failure = parts.failure_of(round_, runs)
    said = log_file(failure.run, "run") if failure and engineer else None
    told = {
        "verdict": parts.verdict_of(round_),
        "failure": failure,
        "tail": read_log(said.path, most=TAIL_BYTES).text.strip() if said else "",
        "models": parts.models_of(round_),
        "rolled_up": parts.rolled_up(round_),
        "aside": parts.set_aside(runs),
        "notes": parts.notes_of(round_, runs),
        "history": parts.history_of(round_, engineer=engineer),
        "before": before,
        "settings": settings_in_words(
            settings_of(round_.settings), settings_of(before.settings) if before is not None else None
        ),
        "later": entry.project.rounds.filter(number__gt=round_.number).order_by("-number").first(),
        "can_retry": round_.state in {RoundState.FAILED, RoundState.CANCELLED},
    }
    return told | _batch(request, round_)


def _batch(request: HttpRequest, round_: Round) -> dict[str, Any]:
    if round_.batch is None:
        return {"batch": None}
    rows = parts.batch_rows(round_)
    page = Paginator(rows, A_BATCH).get_page(request.GET.get("page"))
    labelled = rows.order_by().aggregate(count=Count("field__current_reading"))["count"]
    asked = parts.with_states(list(page.object_list), round_)
    return {"batch": round_.batch, "page": page, "asked_fields": asked, "labelled": labelled}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """A page that asks, and by POST the cancelling."""
    entry = enter(request, key, Permission.RUN)
    round_ = _round(entry, number)
    if request.method != "POST":
        return render(request, "learning/round_cancel.html", entry.context("rounds", round=round_))
    if cancel_round(round_=round_, actor=entry.actor):
        messages.success(request, f"Round {number} is asked to stop. What is done is kept.")
    else:
        messages.info(request, f"Round {number} was not working any more: nothing was cancelled.")
    return redirect("round", key, number)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """End the labelling of a round before the next one does."""
    entry = enter(request, key, Permission.RUN)
    round_ = _round(entry, number)
    if request.method != "POST":
        unlabelled = parts.batch_rows(round_).filter(field__current_reading=None).count() if round_.batch_id else 0
        return render(
            request, "learning/round_close.html", entry.context("rounds", round=round_, unlabelled=unlabelled)
        )
    if close_round(round_=round_, actor=entry.actor):
        messages.success(request, f"The labelling of round {number} is closed.")
    else:
        messages.info(request, f"Round {number} is not being labelled: nothing was closed.")
    return redirect("round", key, number)


@login_required
@require_POST
def retry(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Take a failed or cancelled round up at the step it stopped in."""
    entry = enter(request, key, Permission.RUN)
    try:
        if retry_round(round_=_round(entry, number), actor=entry.actor):
            messages.success(request, f"Round {number} goes on where it stopped.")
        else:
            messages.info(request, f"Round {number} has neither failed nor been cancelled: it needs no second try.")
    except Refused as error:
        messages.error(request, f"{str(error).capitalize()}. Start a new round with its settings instead.")
    return redirect("round", key, number)


def _run(entry: Entry, number: int, pk: int) -> Run:
    return get_object_or_404(Run.objects.select_related("round"), pk=pk, round=_round(entry, number))


@login_required
@require_safe
def log(request: HttpRequest, key: str, number: int, pk: int) -> HttpResponse:
    """The end of one of a run's logs, or the piece from `offset`; with `follow` what was written since then."""
    entry = enter(request, key, Permission.RUN)
    run = _run(entry, number, pk)
    logs, chosen = logs_of(run), _chosen(request, run)
    active = run.state in {RunState.QUEUED, RunState.RUNNING}
    follow, offset = _offset(request.GET.get("follow")), _offset(request.GET.get("offset"))
    start = offset if follow is None else follow
    part = read_log(chosen.path if chosen else None, start, growing=active and offset is None)
    if follow is not None and active and not part.text:
        return HttpResponse(status=204)
    following = (active and offset is None) or (follow is not None and part.end < part.size)
    told = entry.context(
        "rounds",
        round=run.round,
        run=run,
        title=STEP_TITLES[Step(run.step)],
        part=part,
        logs=logs,
        of=chosen.of if chosen else "",
        active=active,
        following=following,
    )
    return render(request, "learning/round_log.html" + ("" if follow is None else "#more"), told)


@login_required
@require_safe
def log_download(request: HttpRequest, key: str, number: int, pk: int) -> HttpResponseBase:
    run = _run(enter(request, key, Permission.RUN), number, pk)
    chosen = _chosen(request, run)
    if chosen is None:
        raise Http404("This run has not written a log.")
    name = f"{key}-round-{number}-{run.step}-{chosen.of}.log"
    return FileResponse(
        chosen.path.open("rb"), as_attachment=True, filename=name, content_type="text/plain; charset=utf-8"
    )


def _chosen(request: HttpRequest, run: Run) -> LogFile | None:
    """The log that is asked for. Raises Http404 for a name that is none."""
    of = request.GET.get("of", "")
    chosen = log_file(run, of)
    if of and chosen is None:
        raise Http404("This run has no such log.")
    return chosen


def _offset(word: str | None) -> int | None:
    """A place in a log; None for what is no number."""
    return int(word) if word is not None and word.isascii() and word.isdigit() and len(word) < 16 else None
