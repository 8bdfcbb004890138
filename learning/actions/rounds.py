"""Rounds: started, carried from step to step, cancelled, tried again, closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Max

import models_zoo
from annotation.access import Actor, Permission, require
from annotation.actions.batches import close_batch, open_batch
from annotation.errors import Refused
from annotation.models import Project
from learning import strategies
from learning.actions.moves import move_round
from learning.actions.runs import LostLeaseError, cancel_run, end_run, hold_run, queue_run, retry_run, stop_run
from learning.actions.telling import tell_of_refusal
from learning.models import Round, Run
from learning.settings import RoundSettings, from_row, to_row
from learning.states import STATE_OF_STEP, STEP_OF_STATE, WORKING, RoundState, RunState, Step, step_after


class RoundError(Refused):
    """A round cannot do what was asked; the text says why and what to do."""


@transaction.atomic
def start_round(*, project: Project, settings: RoundSettings, actor: Actor) -> Round:
    """Begin the next round with its training. People go on with the batch of the round before until the new one is out.

    Raises RoundError while another round is at work, or for a teacher, student or strategy that is not there.
    """
    require(actor, project, Permission.RUN)
    check_names(settings)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    busy = project.rounds.filter(state__in=WORKING).first()
    if busy is not None:
        raise RoundError(
            f"round {busy.number} is still {busy.state}: let it end (run_round {project.key} --resume --wait), "
            f"or cancel it (cancel_round {project.key})"
        )
    last = project.rounds.aggregate(last=Max("number"))["last"] or 0
    round_ = Round.objects.create(
        project=project,
        number=last + 1,
        state=RoundState.TRAINING,
        settings=to_row(settings),
        author_id=None if actor is None else actor.pk,
    )
    queue_run(project=project, step=Step.TRAIN, settings=settings, round_=round_, actor=actor)
    return round_


def check_names(settings: RoundSettings) -> None:
    """Raises RoundError, listing what there is, for an unknown teacher, student or strategy."""
    try:
        strategies.strategy(settings.strategy)
        if settings.teacher != "auto":
            models_zoo.spec(settings.teacher)
        models_zoo.spec(settings.student)
        if settings.student not in models_zoo.students():
            raise ValueError(
                f"{settings.student} can teach but not be a student: it has no form that runs without torch; "
                f"students are {', '.join(models_zoo.students()[:5])} and others of that family"
            )
    except ValueError as error:
        raise RoundError(str(error)) from error


@transaction.atomic
def close_round(*, round_: Round, actor: Actor) -> bool:
    """End the labelling of a round. False: it is not waiting for labels."""
    require(actor, round_.project, Permission.RUN)
    if round_.state != RoundState.LABELLING:
        return False
    if round_.batch is not None:
        close_batch(batch=round_.batch, actor=actor)
    return move_round(round_, RoundState.DONE, actor=actor)


@transaction.atomic
def finish_run(run: Run, publish: Callable[[], dict[str, Any]], seconds: float) -> None:
    """Publish what a step has made, end its run as succeeded and queue the next step: all of it, or nothing.

    When someone asked for a stop in the last moment, what is done is kept and the round stops before its next step.
    Raises LostLeaseError, and publishes nothing, when another attempt holds the run by now.
    """
    hold_run(run)
    result = publish()
    cancelled = Run.objects.filter(pk=run.pk, cancel_requested=True).exists()
    if not end_run(run, RunState.SUCCEEDED, result=result, seconds=seconds):
        raise LostLeaseError(f"run {run.pk} was taken over while it published")
    if result.get("model") and result.get("accepted") is False:
        tell_of_refusal(run, result["model"], result.get("reason", ""))
    if run.round is not None:
        following = _advance(run.round, Step(run.step), run)
        if following is not None and cancelled:
            stop_run(following, RunState.CANCELLED)


def _advance(round_: Round, step: Step, run: Run) -> Run | None:
    following = step_after(step, teacher_accepted=round_.teacher is not None and round_.teacher.accepted)
    if following is None:
        _hand_out(round_)
        return None
    move_round(round_, STATE_OF_STEP[following])
    settings = from_row(run.settings)
    return queue_run(project=round_.project, step=following, settings=settings, round_=round_, actor=None)


def _hand_out(round_: Round) -> None:
    """The batch goes out to the experts; the rounds before have had their time: what nobody labelled goes back."""
    for earlier in Round.objects.filter(project=round_.project_id, state=RoundState.LABELLING):
        close_round(round_=earlier, actor=None)
    if round_.batch is not None:
        open_batch(batch=round_.batch)
    move_round(round_, RoundState.LABELLING)


@transaction.atomic
def cancel_round(*, round_: Round, actor: Actor) -> bool:
    """Stop a working round: at once where its step waits, within seconds where it runs. False: it is not working."""
    require(actor, round_.project, Permission.RUN)
    Round.objects.select_for_update().get(pk=round_.pk)
    round_.refresh_from_db()
    if round_.state not in WORKING:
        return False
    for run in round_.runs.filter(state__in=[RunState.QUEUED, RunState.RUNNING]):
        cancel_run(run=run, actor=actor)
    if not round_.runs.filter(state=RunState.RUNNING).exists():
        move_round(round_, RoundState.CANCELLED, actor=actor)
    return True


@transaction.atomic
def retry_round(*, round_: Round, actor: Actor) -> bool:
    """Take a failed or cancelled round up at the step it stopped in. False: it is neither.

    Raises RoundError when a later round has begun: its batch took the place of this one's.
    """
    require(actor, round_.project, Permission.RUN)
    Project.objects.select_for_update(no_key=True).get(pk=round_.project_id)
    round_.refresh_from_db()
    if round_.state not in {RoundState.FAILED, RoundState.CANCELLED}:
        return False
    later = round_.project.rounds.filter(number__gt=round_.number).order_by("number").last()
    if later is not None:
        raise RoundError(f"round {round_.number} cannot be taken up again: round {later.number} came after it")
    run = round_.runs.filter(state__in=[RunState.FAILED, RunState.CANCELLED]).latest("pk")
    moved = move_round(round_, STATE_OF_STEP[Step(run.step)], actor=actor, why="retry")
    return moved and retry_run(run=run, actor=actor)


def waiting_run(round_: Round) -> Run | None:
    """The run of a working round that is queued or running; None when the round is not working."""
    round_.refresh_from_db()
    step = STEP_OF_STATE.get(RoundState(round_.state))
    if step is None:
        return None
    return round_.runs.filter(step=step, state__in=[RunState.QUEUED, RunState.RUNNING]).order_by("pk").last()
