"""The heart of an attempt: renews its lease while the step is busy, and notices when it must stop."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from django.conf import settings as config
from django.db import DatabaseError, InterfaceError, connection

from learning.actions.runs import CancelRequestedError, LostLeaseError, renew_lease
from learning.models import Run
from learning.steps.context import StoppedError

# How often it looks whether its parent is still there, where no kernel ends the child with it.
LOOK_SECONDS = 1.0


@contextlib.contextmanager
def heart(run: Run, log: Callable[[str], None]) -> Iterator[threading.Event]:
    """Renew the lease every third of its length. When the run must stop, the main thread gets SIGTERM.

    Yields what is set once SIGTERM has come: in the midst of a query the database driver, left in disorder, may raise
    an error of its own over the StoppedError. In another thread than the main one there is no signal to send: the step
    hears of it when it reports.
    """
    done, told = threading.Event(), threading.Event()
    alone = threading.current_thread() is threading.main_thread()
    thread = threading.Thread(target=_beat, args=(run, log, done, alone), name="heart", daemon=True)
    thread.start()
    try:
        with _on_sigterm(told) if alone else contextlib.nullcontext():
            yield told
    finally:
        done.set()
        thread.join()


def _beat(run: Run, log: Callable[[str], None], done: threading.Event, alone: bool) -> None:
    pause, renewed = min(LOOK_SECONDS, config.LEASE_SECONDS / 3), time.monotonic()
    try:
        while not done.wait(pause):
            if alone and is_orphan():
                log("the worker that started this attempt is gone")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if time.monotonic() - renewed < config.LEASE_SECONDS / 3 - pause / 2:
                continue
            renewed = time.monotonic()
            try:
                renew_lease(run)
            except (LostLeaseError, CancelRequestedError):
                if alone:
                    os.kill(os.getpid(), signal.SIGTERM)
                return
            except (DatabaseError, InterfaceError) as error:
                log(f"the lease could not be renewed this time: {error}")
                connection.close()
    finally:
        connection.close()


def is_orphan() -> bool:
    """Whether the worker that started this process is gone. False where no worker did."""
    parent = os.environ.get("MARROWLOOP_PARENT", "")
    return parent.isdigit() and os.getppid() != int(parent)


@contextlib.contextmanager
def _on_sigterm(told: threading.Event) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        told.set()
        raise StoppedError("told to end")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
