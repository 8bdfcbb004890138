"""Runs: queued, claimed under a lease, reported on, ended, cancelled, tried again.

Every write of a worker names the attempt it holds, so that one that lost its lease can no longer change anything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings as config
from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now

from annotation import lease
from annotation.access import Actor, Permission, require
from annotation.errors import Refused
from annotation.lanes import wake_after_commit
from annotation.models import Field, Project
from learning.actions.moves import move_round, move_run
from learning.models import Epoch, Round, Run, Transition
from learning.settings import RoundSettings, to_row
from learning.states import Cause, RoundState, RunState, Step

# A run that was lost so often in a row, even with all else here, is not begun again: it may be what brings all down.
MOST_LOST = 10


class RunError(Refused):
    """A run cannot do what was asked; the text says why."""


class LostLeaseError(RunError):
    """Another attempt has taken the run over: this one must stop and write nothing more."""


class CancelRequestedError(RunError):
    """Someone asked for the run to stop."""


def queue_run(
    *,
    project: Project,
    step: Step,
    settings: RoundSettings,
    round_: Round | None,
    actor: Actor,
    field: Field | None = None,
) -> Run:
    require(actor, project, Permission.RUN)
    run = Run.objects.create(project=project, round=round_, field=field, step=step, settings=to_row(settings))
    _wake(run)
    return run


def claim_run(run: Run) -> bool:
    """Take a queued run, or a running one whose worker is gone, as its next attempt. False: it is not to be had.

    A run whose worker died MAX_ATTEMPTS times in a row is failed instead, and its round with it. A death of all that
    runs here (a power cut) is not counted against it, until MOST_LOST attempts in a row came to nothing.
    """
    run.refresh_from_db()
    if run.state == RunState.RUNNING and not _abandoned(run):
        return False
    if run.state not in {RunState.QUEUED, RunState.RUNNING}:
        return False
    deaths, lost = (_deaths(run), _lost_in_a_row(run)) if run.state == RunState.RUNNING else (0, 0)
    if deaths >= config.MAX_ATTEMPTS or lost >= MOST_LOST:
        error = f"its worker died {max(deaths, lost)} times; the log of each attempt is kept"
        stop_run(run, RunState.FAILED, error=error, cause=Cause.WORKER_DIED)
        return False
    why = "" if run.state == RunState.QUEUED else f"taken over from {run.worker or 'a lost worker'}"
    return move_run(
        run,
        RunState.RUNNING,
        attempt=run.attempt + 1,
        why=why,
        worker=lease.own_name(),
        deaths=deaths,
        lease_until=Now() + timedelta(seconds=config.LEASE_SECONDS),
        started_at=Now() if run.started_at is None else F("started_at"),
        error="",
        cause="",
    )


def renew_lease(run: Run) -> None:
    """Say that this attempt is alive. Raises LostLeaseError or CancelRequestedError when it has to stop."""
    mine = Run.objects.filter(pk=run.pk, attempt=run.attempt, state=RunState.RUNNING)
    if not mine.update(lease_until=Now() + timedelta(seconds=config.LEASE_SECONDS)):
        raise LostLeaseError(f"run {run.pk} is no longer held by attempt {run.attempt}")
    if mine.filter(cancel_requested=True).exists():
        raise CancelRequestedError(f"run {run.pk} is to be cancelled")


def note_device(run: Run, device: str) -> None:
    """Write down what this attempt computes on. Raises LostLeaseError when it no longer holds the run."""
    if not Run.objects.filter(pk=run.pk, attempt=run.attempt, state=RunState.RUNNING).update(device=device[:120]):
        raise LostLeaseError(f"run {run.pk} is no longer held by attempt {run.attempt}")


def report_progress(run: Run, progress: dict[str, Any]) -> None:
    """Raises LostLeaseError when this attempt no longer holds the run."""
    if not Run.objects.filter(pk=run.pk, attempt=run.attempt, state=RunState.RUNNING).update(progress=progress):
        raise LostLeaseError(f"run {run.pk} is no longer held by attempt {run.attempt}")


@transaction.atomic
def report_epoch(run: Run, number: int, losses: dict[str, float], seconds: float) -> None:
    """Keep the losses of epoch `number`; an epoch that a new attempt repeats overwrites its own row.

    Whoever finishes an epoch does not die of the run itself: what was counted against it is forgotten.
    """
    held = Run.objects.select_for_update().filter(pk=run.pk, attempt=run.attempt, state=RunState.RUNNING)
    if not held.exists():
        raise LostLeaseError(f"run {run.pk} is no longer held by attempt {run.attempt}")
    held.filter(deaths__gt=0).update(deaths=0)
    Epoch.objects.update_or_create(
        run=run, number=number, defaults={"attempt": run.attempt, "losses": losses, "seconds": seconds}
    )


def end_run(
    run: Run,
    state: RunState,
    *,
    result: dict[str, Any] | None = None,
    error: str = "",
    cause: str = "",
    seconds: float = 0.0,
    actor: Actor = None,
) -> bool:
    """End this attempt as succeeded, failed or cancelled. False: another attempt holds the run by now."""
    return move_run(
        run,
        state,
        actor=actor,
        why=error,
        result=result or {},
        error=error,
        cause=cause,
        seconds=F("seconds") + seconds,
        lease_until=None,
        cancel_requested=False,
        ended_at=Now(),
    )


@transaction.atomic
def hold_run(run: Run) -> None:
    """Lock the round and then the run until the transaction ends: everyone who ends or cancels one takes this order.

    Raises LostLeaseError when this attempt no longer holds the run.
    """
    _lock_round(run)
    held = Run.objects.select_for_update().filter(pk=run.pk, attempt=run.attempt, state=RunState.RUNNING)
    if held.first() is None:
        raise LostLeaseError(f"run {run.pk} is no longer held by attempt {run.attempt}")


@transaction.atomic
def stop_run(run: Run, state: RunState, *, error: str = "", cause: str = "", seconds: float = 0.0) -> bool:
    """End a run that failed (for `cause`) or was cancelled, and its round with it."""
    _lock_round(run)
    if state is RunState.FAILED:
        cause = cause or Cause.ERROR
    if not end_run(run, state, error=error, cause=cause, seconds=seconds):
        return False
    if run.round is not None:
        new = RoundState.FAILED if state is RunState.FAILED else RoundState.CANCELLED
        move_round(run.round, new, why=error)
    return True


def _lock_round(run: Run) -> None:
    if run.round_id is not None:
        Round.objects.select_for_update().get(pk=run.round_id)


def give_back_run(run: Run, *, seconds: float = 0.0, why: str = "its worker stopped", **values: Any) -> bool:
    """Put a run back into the queue, because its worker has to stop. False: another attempt holds it."""
    spent = F("seconds") + seconds
    return move_run(run, RunState.QUEUED, why=why, lease_until=None, seconds=spent, deaths=0, **values)


def cancel_run(*, run: Run, actor: Actor) -> bool:
    """Cancel a queued run at once; ask a running one to stop. False: it has ended already."""
    require(actor, run.project, Permission.RUN)
    run.refresh_from_db()
    if run.state == RunState.QUEUED and end_run(run, RunState.CANCELLED, actor=actor):
        return True
    return bool(Run.objects.filter(pk=run.pk, state=RunState.RUNNING).update(cancel_requested=True))


def retry_run(*, run: Run, actor: Actor) -> bool:
    """Queue a failed or cancelled run again; it goes on from its last checkpoint. False: someone did so already."""
    require(actor, run.project, Permission.RUN)
    run.refresh_from_db()
    anew: dict[str, Any] = {"ended_at": None, "error": "", "cause": "", "deaths": 0}
    moved = move_run(run, RunState.QUEUED, attempt=run.attempt, actor=actor, why="retry", **anew)
    if moved:
        _wake(run)
    return moved


def _abandoned(run: Run) -> bool:
    expired = Run.objects.filter(pk=run.pk).filter(Q(lease_until__isnull=True) | Q(lease_until__lt=Now())).exists()
    return expired or lease.surely_dead(run.worker)


def _deaths(run: Run) -> int:
    """How many attempts in a row have lost their worker, the present one included unless all else died with it."""
    return run.deaths + (not lease.all_went_down(run.worker))


def _lost_in_a_row(run: Run) -> int:
    """How many attempts, the present one included, were lost for whatever reason since one had finished an epoch."""
    moves = Transition.objects.filter(run=run)
    queued = moves.filter(new=RunState.QUEUED).values_list("pk", flat=True).last() or 0
    useful = run.epochs.aggregate(last=Max("attempt"))["last"] or 0
    lost = moves.filter(pk__gt=queued, old=RunState.RUNNING, new=RunState.RUNNING, attempt__gt=useful + 1)
    return lost.count() + (run.attempt > useful)


def _wake(run: Run) -> None:
    """Tell a worker after the commit that there is work of this kind."""
    light = "learning.tasks.predict" if run.field_id is None else "learning.tasks.predict_field"
    wake_after_commit(light if run.step == Step.PREDICT else "learning.tasks.train")
