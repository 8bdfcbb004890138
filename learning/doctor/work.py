"""Who works: Redis, workers, runs that nobody does, what is done at night, and how old the newest backup is."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from annotation.alone import is_locked
from annotation.models import Transfer, TransferState, Worker
from learning.actions.backups import kept_backups
from learning.doctor.finding import Finding
from learning.models import Chore, Run
from learning.states import RunState

LIVES, STUCK = timedelta(seconds=60), timedelta(minutes=10)
OLD_BACKUP = timedelta(days=2)
START = "type: make run (or start the worker's service)"


def check_broker(_thorough: bool) -> list[Finding]:
    """Of a Redis that is named; the one of `make run` is looked after by the supervisor."""
    parts = urlsplit(settings.CELERY_BROKER_URL)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        return []
    try:
        socket.create_connection((parts.hostname, parts.port or 6379), timeout=3).close()
    except OSError as error:
        what = f"Redis at {parts.hostname}:{parts.port or 6379} does not answer: {error.strerror or error}."
        return [Finding("redis", "warning", what, "start Redis; until then workers look for work every 5 s")]
    return []


def check_workers(_thorough: bool) -> list[Finding]:
    alive = Worker.objects.filter(seen_at__gte=Now() - LIVES)
    served = {queue for row in alive for queue in row.queues.split(",")}
    waiting = _waiting()
    missing = sorted({"train", "light"} - served)
    runs_here = is_locked(settings.HOME / "run.lock")
    if not missing or not (runs_here or served or waiting):
        return []  # nothing runs and nothing waits: it is switched off
    what = f"No worker of the queue {' and '.join(missing)} has given a sign of life in the last minute."
    return [Finding("workers", "bad" if waiting else "warning", what, START)]


def _waiting() -> bool:
    runs = Run.objects.filter(state=RunState.QUEUED).exists()
    return runs or Transfer.objects.filter(state=TransferState.QUEUED).exists()


def check_runs(_thorough: bool) -> list[Finding]:
    expired = Q(lease_until__isnull=True) | Q(lease_until__lt=Now() - STUCK)
    lost = Run.objects.filter(expired, state=RunState.RUNNING).order_by("pk")
    return [
        Finding(
            "runs",
            "bad",
            f"Run {run.pk} ({run.step}) lost its worker {run.worker or ''} and nobody took it over.",
            f"{START}, or cancel its round: manage.py cancel_round {run.project.key}",
        )
        for run in lost.select_related("project")[:20]
    ]


def check_chores(_thorough: bool) -> list[Finding]:
    return [
        Finding(
            "chores", "bad", f"The last {row.name} failed: {row.error}", f"type: .venv/bin/python manage.py {row.name}"
        )
        for row in Chore.objects.exclude(error="")
    ]


def check_backups(_thorough: bool) -> list[Finding]:
    command = "type: .venv/bin/python manage.py backup"
    newest = next(iter(kept_backups()), None)
    if newest is None:
        return [Finding("backup", "warning", f"There is no backup in {settings.BACKUPS_DIR}.", command)]
    age = timezone.now() - datetime.fromtimestamp(newest.stat().st_mtime, tz=timezone.get_default_timezone())
    if age <= OLD_BACKUP:
        return []
    return [Finding("backup", "warning", f"The newest backup, {newest.name}, is {age.days} days old.", command)]
