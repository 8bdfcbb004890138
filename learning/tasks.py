"""Celery's side of a run. A message says only that there is work; which, the rows say."""

from __future__ import annotations

from celery import shared_task

from learning.models import Run
from learning.runner import supervise


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]  # celery is not typed
def work_on_queue() -> None:
    """Take the oldest waiting run, and the next, until none waits. A second delivery finds nothing to do."""
    while (run := Run.objects.waiting().first()) is not None:
        supervise(run)
