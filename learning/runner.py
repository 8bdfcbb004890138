"""Executing a run: the one way in which a step is done, with or without a worker.

`execute_run` does it in this process. `supervise` (for a command that waits) and `run_child` (for a worker) start
`manage.py execute_run ID` as a process group of its own and watch it, so that a training that is killed, hangs or eats
all memory takes nobody with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from types import FrameType

from django.conf import settings as config
from django.db import DatabaseError, connection

from annotation import lease
from annotation.errors import Refused
from learning import steps
from learning.actions.rounds import finish_run
from learning.actions.runs import CancelRequestedError, LostLeaseError, claim_run, give_back_run, renew_lease, stop_run
from learning.models import Run
from learning.states import RunState
from learning.steps.context import Context, StoppedError
from models_zoo.records import Cancelled

POLL_SECONDS = 0.5
GRACE_SECONDS = 3.0


Watch = Callable[[Run], None]
Stopped = Callable[[], bool]


def execute_run(run: Run, *, beat: bool = True, stopped: Stopped = bool) -> Run:
    """Claim `run`, do its step and publish what it made. Raises Refused when the run is not to be had.

    Whatever goes wrong in the step ends up in the run's row and log, not in an exception. `beat` renews the lease
    from a thread while the step is busy; without it only the step's own reports do. In a process of its own the run is
    stopped by a signal; in the thread of a worker it notices at its next report, also when `stopped` says so.
    """
    if not claim_run(run):
        raise Refused(f"run {run.pk} cannot be executed: it is {run.state}" + _holder(run))
    attempt, began = run.attempt, time.monotonic()

    def spent() -> float:
        return time.monotonic() - began

    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        with _heart(run) if beat else contextlib.nullcontext():
            publish = steps.perform(Context(run, stopped))
            finish_run(run, publish, spent())
    except LostLeaseError as lost:
        _log(run, f"stopped: {lost}")
    except (CancelRequestedError, Cancelled, StoppedError) as stop:
        if _holds(run, attempt):
            _stop(run, stop, spent())
    except Exception as error:  # a step may fail in any way; the row must say how
        if _holds(run, attempt):
            stop_run(run, RunState.FAILED, error=_sentence(error), seconds=spent())
        _log(run, traceback.format_exc())
    run.refresh_from_db()
    return run


def _holds(run: Run, attempt: int) -> bool:
    """Whether the fresh row still belongs to `attempt`: what was undone, or moved by another, must not be believed."""
    run.refresh_from_db()
    return run.state == RunState.RUNNING and run.attempt == attempt


def _stop(run: Run, stop: BaseException, seconds: float) -> None:
    if isinstance(stop, CancelRequestedError) or run.cancel_requested:
        stop_run(run, RunState.CANCELLED, seconds=seconds)
    else:
        give_back_run(run, seconds=seconds)


def supervise(run: Run, watch: Watch | None = None) -> Run:
    """Execute `run` in a process of its own until it has ended, starting it again when it dies; returns its row.

    `watch` is called about twice a second with the fresh row. A cancelled run is ended within seconds: the group
    gets SIGTERM, and SIGKILL if it is still there after GRACE_SECONDS.
    """
    run.refresh_from_db()
    while run.state in {RunState.QUEUED, RunState.RUNNING}:
        if run.state == RunState.RUNNING and not lease.surely_dead(run.worker):
            time.sleep(POLL_SECONDS)
        else:
            run_child(run, watch)
        run.refresh_from_db()
        if watch is not None:
            watch(run)
    return run


def run_child(run: Run, watch: Watch | None = None, *, beside_people: bool = False, stopped: Stopped = bool) -> None:
    """One attempt at `run` in a process of its own. When `stopped` says so the child is ended, and gives the run back.

    `beside_people`: somebody may be labelling on this machine, so the child takes what the others leave.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(config.BASE_DIR / "manage.py"), "execute_run", str(run.pk)]
    if beside_people:
        command.append("--beside-people")
    with run.log.open("ab") as log:
        child = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, env=_environment()
        )
    began = time.monotonic()
    try:
        while child.poll() is None:
            time.sleep(POLL_SECONDS)
            run.refresh_from_db()
            if watch is not None:
                watch(run)
            if run.cancel_requested or stopped():
                _end_group(child)
            elif time.monotonic() - began > config.RUN_TIME_LIMIT_SECONDS:
                _end_group(child)
                stop_run(run, RunState.FAILED, error=f"stopped after {config.RUN_TIME_LIMIT_SECONDS} s: the time limit")
    finally:
        if child.poll() is None:
            _end_group(child)
    _settle(run, child.returncode, stopped())


def _settle(run: Run, status: int, stopped: bool) -> None:
    """A child that was killed could not end its run: cancelled if that was asked; a refusal to start is an end, too."""
    run.refresh_from_db()
    if run.state == RunState.RUNNING and run.cancel_requested:
        stop_run(run, RunState.CANCELLED)
    elif run.state == RunState.RUNNING and stopped and lease.surely_dead(run.worker):
        give_back_run(run)
    elif run.state == RunState.QUEUED and status > 0:
        stop_run_unstarted(run, status)


def stop_run_unstarted(run: Run, status: int) -> None:
    """The child could not even claim its run: say so, instead of starting it for ever."""
    tail = run.log.read_text(errors="replace").strip().splitlines()[-1:] if run.log.exists() else []
    if claim_run(run):
        stop_run(run, RunState.FAILED, error=f"execute_run ended with status {status}: {' '.join(tail)}")


def _environment() -> dict[str, str]:
    return os.environ | {"MARROWLOOP_PARENT": str(os.getpid())}


def _end_group(child: subprocess.Popen[bytes]) -> None:
    for sign, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            return


@contextlib.contextmanager
def _heart(run: Run) -> Iterator[None]:
    """Renew the lease every third of its length. When the run must stop, the main thread gets SIGTERM.

    In another thread than the main one there is no signal to send: the step hears of it when it reports.
    """
    done = threading.Event()
    alone = threading.current_thread() is threading.main_thread()

    def beat() -> None:
        try:
            while not done.wait(config.LEASE_SECONDS / 3):
                try:
                    renew_lease(run)
                except (LostLeaseError, CancelRequestedError):
                    if alone:
                        os.kill(os.getpid(), signal.SIGTERM)
                    return
                except DatabaseError as error:
                    _log(run, f"the lease could not be renewed this time: {error}")
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name="heart", daemon=True)
    thread.start()
    try:
        with _on_sigterm() if alone else contextlib.nullcontext():
            yield
    finally:
        done.set()
        thread.join()


@contextlib.contextmanager
def _on_sigterm() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise StoppedError("told to end")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _holder(run: Run) -> str:
    return f", held by {run.worker} until {run.lease_until:%H:%M:%S}" if run.state == RunState.RUNNING else ""


def _log(run: Run, text: str) -> None:
    with run.log.open("a") as stream:
        stream.write(text.rstrip() + "\n")


def _sentence(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if isinstance(error, Refused | ValueError) else f"{type(error).__name__}: {text}"
