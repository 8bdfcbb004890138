"""The loop's lanes in the workers, and the messages that wake them. Which work there is, the rows say.

`train` does the heavy steps, each in a process of its own. `predict` looks at a round's batch, and `field` at one field
that somebody waits for: both in the worker itself, which keeps the student warm.
"""

from __future__ import annotations

import contextlib

from celery import shared_task
from django.db.models import Q

from annotation import lease
from annotation.errors import Refused
from annotation.lanes import Lane, stopping
from learning.actions.classifying import answer_next
from learning.actions.models import warm_up
from learning.actions.starting import projects_to_look_at, start_due_round
from learning.chores import take_chore
from learning.models import Run
from learning.runner import execute_run, run_child
from learning.sharing import shared
from learning.states import RunState, Step

HEAVY = Q(step__in=[Step.TRAIN, Step.RANK, Step.DISTIL])
BATCH = Q(step=Step.PREDICT, field=None)
FIELD = Q(step=Step.PREDICT, field__isnull=False)


def next_run(kind: Q) -> Run | None:
    """What is to be done next: taken over from a worker of this machine that is no more, else the oldest that waits."""
    runs = Run.objects.filter(kind).select_related("project", "round", "field")
    lost = next((run for run in runs.running() if lease.surely_dead(run.worker)), None)
    return lost or runs.due().first()


def take_heavy() -> bool:
    run = next_run(HEAVY)
    if run is None:
        return False
    with shared(run):
        run_child(run, beside_people=True, stopped=stopping.is_set)
    return _went_on(run)


def take_batch() -> bool:
    return _take_light(BATCH)


def take_field() -> bool:
    return _take_light(FIELD)


def _take_light(kind: Q) -> bool:
    run = next_run(kind)
    if run is None:
        return False
    with (
        shared(run),
        contextlib.suppress(Refused),
    ):  # another worker was faster, or the run lost too many workers and was ended
        execute_run(run, stopped=stopping.is_set)
    return _went_on(run)


def _went_on(run: Run) -> bool:
    """A run that still waits after an attempt is left for the next look, so that nothing is tried in a tight circle."""
    run.refresh_from_db()
    return run.state != RunState.QUEUED


def take_start() -> bool:
    """Start the rounds that are due by themselves."""
    for project in projects_to_look_at():
        start_due_round(project)
    return False


def take_chore_now() -> bool:
    return take_chore(stopping.is_set)


_train = Lane("train", "train", take_heavy)
_predict = Lane("light", "predict", take_batch)
_field = Lane("light", "field", take_field, prepare=warm_up)
_starts = Lane("light", "starts", take_start)
_chores = Lane("light", "chores", take_chore_now)
_cells = Lane("light", "cells", answer_next)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]  # celery is not typed
def train() -> None:
    """Do the heavy steps that wait."""
    _train.work()


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]  # celery is not typed
def predict() -> None:
    """Predict on the batches that wait."""
    _predict.work()


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]  # celery is not typed
def predict_field() -> None:
    """Predict on the fields that somebody waits for."""
    _field.work()


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]  # celery is not typed
def classify() -> None:
    """Answer the questions about single cells that somebody waits for."""
    _cells.work()
