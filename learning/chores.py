"""What the workers do at a time of day: each in a process of its own, by whichever worker comes first."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time as clock
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from learning.models import Chore

LOOK_SECONDS = 0.5
GRACE_SECONDS = 3.0


def chores() -> dict[str, tuple[time | None, list[str]]]:
    """Name: the time of day in UTC (None: never), and the command."""
    keep = ["backup", "--keep", str(settings.BACKUP_KEEP), "--beside-people"]
    return {"backup": (settings.BACKUP_AT, keep), "tidy": (settings.TIDY_AT, ["tidy", "--beside-people"])}


def take_chore(stopped: Callable[[], bool] = bool) -> bool:
    """Do one chore that is due. False: none is."""
    now = timezone.now()
    for name, (at, command) in chores().items():
        if at is not None and _claim(name, at, now):
            _perform(name, command, stopped)
            return True
    return False


def next_time(at: time, now: datetime) -> datetime:
    """The next moment after `now` at which it is `at` o'clock in UTC."""
    today = datetime.combine(now.astimezone(UTC).date(), at, UTC)
    return today if today > now else today + timedelta(days=1)


def _claim(name: str, at: time, now: datetime) -> bool:
    """Whether it is due and ours. One that was due while no worker ran is done late, and once."""
    following = next_time(at, now)
    row, _ = Chore.objects.get_or_create(name=name, defaults={"due_at": following})
    mine = Chore.objects.filter(pk=row.pk, due_at=row.due_at)
    if row.due_at > now:
        if row.due_at != following:  # another time of day was set since
            mine.update(due_at=following)
        return False
    return bool(mine.update(due_at=following, begun_at=now, ended_at=None, error="", result={}))


def _perform(name: str, command: list[str], stopped: Callable[[], bool]) -> None:
    child = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *command, "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"MARROWLOOP_PARENT": str(os.getpid())},
    )
    out, err = _watched(child, stopped)
    result = json.loads(out.splitlines()[-1]) if child.returncode == 0 and out.strip() else {}
    error = (
        "" if child.returncode == 0 else (err.strip().splitlines() or [b"it was ended"])[-1].decode(errors="replace")
    )
    Chore.objects.filter(name=name).update(ended_at=timezone.now(), result=result, error=error)


def _watched(child: subprocess.Popen[bytes], stopped: Callable[[], bool]) -> tuple[bytes, bytes]:
    asked_at: float | None = None
    while True:
        try:
            return child.communicate(timeout=LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if not stopped():
                continue
            first, asked_at = asked_at is None, asked_at or clock.monotonic()
            if first or clock.monotonic() - asked_at > GRACE_SECONDS:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGTERM if first else signal.SIGKILL)
