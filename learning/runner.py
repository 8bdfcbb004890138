"""Executing a run: the one way in which a step is done, with or without a worker.

`execute_run` does it in this process. `supervise` (for a command that waits) and `run_child` (for a worker) start
`manage.py execute_run ID` as a process group of its own and watch it, so that a training that is killed, hangs or eats
all memory takes nobody with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

from django.conf import settings as config
from django.db import InterfaceError, OperationalError, connection

from annotation import lease
from annotation.disk import free_bytes, is_disk_full
from annotation.errors import Refused
from annotation.patience import patiently
from learning import steps
from learning.actions.rounds import finish_run
from learning.actions.runs import (
    CancelRequestedError,
    LostLeaseError,
    claim_run,
    give_back_run,
    note_device,
    stop_run,
)
from learning.cards import Seat, seated, seats
from learning.heart import heart
from learning.models import Run
from learning.states import Cause, RunState, Step
from learning.steps.context import Context, StoppedError
from learning.trouble import DiskFullError, SmallerBatchError, TimeLimitError, cause_of
from models_zoo.records import Cancelled

POLL_SECONDS = 0.5
# The pause of a watcher while the database does not answer.
LONGER_SECONDS = 2.0
GRACE_SECONDS = 3.0
# With this status a child says that somebody else has its run, which is no failure.
NOT_TO_BE_HAD = 75
# How long room for the last words is waited for on a full disk.
ROOM_PAUSES = (0.2, 1.0, 3.0)
CPU = Seat("cpu", "cpu", "")


class NotToBeHadError(Refused):
    """Another worker was faster, or the run has ended."""


Watch = Callable[[Run], None]
Stopped = Callable[[], bool]


def execute_run(run: Run, *, beat: bool = True, stopped: Stopped = bool, share_cpu: bool = True) -> Run:
    """Claim `run`, do its step and publish what it made. Raises NotToBeHadError when another one holds or has done it.

    Whatever goes wrong in the step ends up in the run's row and log, not in an exception. `beat` renews the lease
    from a thread while the step is busy; without it only the step's own reports do. In a process of its own the run is
    stopped by a signal; in the thread of a worker it notices at its next report, also when `stopped` says so. Without
    `share_cpu` it waits until no other such run computes on the CPU of this machine.
    """
    if not claim_run(run):
        raise NotToBeHadError(f"run {run.pk} cannot be executed: it is {run.state}" + _holder(run))
    attempt, began = run.attempt, time.monotonic()

    def spent() -> float:
        return time.monotonic() - began

    told = Event()

    def ended() -> bool:
        if spent() > config.RUN_TIME_LIMIT_SECONDS:
            raise TimeLimitError(_over_time())
        return stopped() or told.is_set()

    try:
        _check_room()
        run.folder.mkdir(parents=True, exist_ok=True)
        with heart(run, partial(_log, run)) if beat else contextlib.nullcontext(told) as told:
            _perform(Context(run, ended), share_cpu, spent)
    except LostLeaseError as lost:
        _log(run, f"stopped: {lost}")
    except (CancelRequestedError, Cancelled, StoppedError) as stop:
        if _holds(run, attempt):
            _stop(run, stop, spent())
    except SmallerBatchError as smaller:
        _log(run, str(smaller))
        give_back_run(run, seconds=spent(), why=str(smaller), batch=smaller.batch)
    except Exception as error:  # a step may fail in any way; the row must say how
        end = _stop_in_disorder if told.is_set() else _fail
        end(run, attempt, error, spent())
    run.refresh_from_db()
    return run


def _perform(context: Context, share_cpu: bool, spent: Callable[[], float]) -> None:
    """Do the step at a seat of its own and publish what it made."""
    run = context.run

    def wait(seat: Seat) -> None:
        context.say(f"waiting for {seat.words}, which another run uses")
        time.sleep(POLL_SECONDS)

    offered = [CPU] if run.step == Step.PREDICT else seats(context.settings.device, share_cpu=share_cpu)
    with seated(offered, wait) as seat:
        context.seat = seat.device
        patiently(lambda: note_device(run, seat.words))
        publish = steps.perform(context)
    patiently(lambda: finish_run(run, publish, spent()))


def _check_room() -> None:
    free = free_bytes(config.RUNS_DIR)
    if free < config.RUN_FREE_MB * 1_000_000:
        raise DiskFullError(
            f"The disk is full: {free / 1_000_000:.0f} MB are free where the data lie, and a run needs "
            f"{config.RUN_FREE_MB} MB to begin. Make room, then try again."
        )


def _over_time() -> str:
    return f"stopped after {config.RUN_TIME_LIMIT_SECONDS} s: the time limit"


def _holds(run: Run, attempt: int) -> bool:
    """Whether the fresh row still belongs to `attempt`: what was undone, or moved by another, must not be believed."""
    patiently(run.refresh_from_db)
    return run.state == RunState.RUNNING and run.attempt == attempt


def _stop(run: Run, stop: BaseException, seconds: float) -> None:
    if isinstance(stop, CancelRequestedError) or run.cancel_requested:
        stop_run(run, RunState.CANCELLED, seconds=seconds)
    else:
        give_back_run(run, seconds=seconds)


def _stop_in_disorder(run: Run, attempt: int, error: Exception, seconds: float) -> None:
    """Told to end in the midst of a query: the connection is of no use, and what it says is no fault of the step."""
    _log(run, f"told to end, upon which: {error}")
    if not connection.in_atomic_block:
        connection.close()
    if _holds(run, attempt):
        _stop(run, StoppedError("told to end"), seconds)


def _fail(run: Run, attempt: int, error: Exception, seconds: float) -> None:
    """Write down why. Where the disk is full there may be no room even for that: what can be made again goes first."""
    cause, words = cause_of(error, run.folder)
    told = "".join(traceback.format_exception(error))
    if cause is Cause.DISK_FULL:
        make_room(run.folder)
    for pause in (*ROOM_PAUSES, None):
        try:
            if _holds(run, attempt):
                stop_run(run, RunState.FAILED, error=words, cause=cause, seconds=seconds)
            break
        except OperationalError as full:
            if pause is None or not is_disk_full(full, run.folder):
                raise
            time.sleep(pause)
    _log(run, told)


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
    command = [sys.executable, str(config.BASE_DIR / "manage.py"), "execute_run", str(run.pk)]
    if beside_people:
        command.append("--beside-people")
    with _log_of(run).open("ab") as log:
        child = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, env=_environment()
        )
    began = time.monotonic()
    try:
        while child.poll() is None:
            time.sleep(POLL_SECONDS)
            _look_at(run)
            if watch is not None:
                watch(run)
            if run.cancel_requested or stopped():
                _end_group(child)
            elif time.monotonic() - began > config.RUN_TIME_LIMIT_SECONDS:
                # First the row: the child would give the run back when it is told to end, and it would begin anew.
                stop_run(run, RunState.FAILED, error=_over_time(), cause=Cause.TIME_LIMIT)
                _end_group(child)
    finally:
        if child.poll() is None:
            _end_group(child)
    _settle(run, child.returncode, stopped())


def _look_at(run: Run) -> None:
    """The fresh row; where the database does not answer for a moment, the one we know. The child goes on meanwhile."""
    try:
        run.refresh_from_db()
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block:
            raise
        _log(run, f"the database does not answer: {error}")
        connection.close()
        time.sleep(LONGER_SECONDS)


def _log_of(run: Run) -> Path:
    """The log of `run`. On a full disk it may be impossible to make one; what is wrong will stand in the row."""
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        run.log.touch()
    except OSError as error:
        if not is_disk_full(error, run.folder):
            raise
        return Path(os.devnull)
    return run.log


def _settle(run: Run, status: int, stopped: bool) -> None:
    """A child that was killed could not end its run: cancelled if that was asked; a refusal to start is an end, too."""
    patiently(run.refresh_from_db)
    if run.state == RunState.RUNNING and run.cancel_requested:
        stop_run(run, RunState.CANCELLED)
    elif run.state == RunState.RUNNING and stopped and lease.surely_dead(run.worker):
        give_back_run(run)
    elif run.state == RunState.QUEUED and status > 0 and status != NOT_TO_BE_HAD:
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


def _holder(run: Run) -> str:
    return f", held by {run.worker} until {run.lease_until:%H:%M:%S}" if run.state == RunState.RUNNING else ""


def _log(run: Run, text: str) -> None:
    """A log that cannot be written, as on a full disk, is no reason to break off."""
    with contextlib.suppress(OSError), run.log.open("a") as stream:
        stream.write(text.rstrip() + "\n")


def make_room(folder: Path) -> None:
    """Remove what any attempt can make again: the tiles of trainings, and files that were only half written."""
    for found in [*folder.glob("attempt*/model/tiles"), *folder.glob("attempt*/model/run/weights")]:
        shutil.rmtree(found, ignore_errors=True)
    for part in folder.rglob("*.part"):
        with contextlib.suppress(OSError):
            part.unlink()
