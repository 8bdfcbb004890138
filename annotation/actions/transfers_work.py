"""Imports and exports as a worker does them: claimed under a lease, reported on, ended, given back.

Every write names the attempt it belongs to, so that a worker that lost its lease can no longer change anything. What is
done in between is annotation.transfers.work; it may be done twice after a kill, and leaves what it left the first time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings as config
from django.db import DatabaseError, connection
from django.db.models import F, Q
from django.db.models.functions import Now

from annotation import lease
from annotation.disk import full_words, is_disk_full
from annotation.errors import Refused
from annotation.models import Transfer, TransferState
from annotation.transfers.work import perform

# A report is a write to the database: not more often than this, in seconds.
PAUSE = 0.5

_log = logging.getLogger(__name__)


class StoppedTransferError(BaseException):
    """The work must not go on: cancelled, taken over, or its worker ends. Not an Exception: nothing may swallow it."""


def next_transfer() -> Transfer | None:
    """What is to be done next: taken over from a worker of this machine that is no more, else the oldest that waits."""
    rows = Transfer.objects.select_related("project", "author").order_by("id")
    lost = next((row for row in rows.filter(state=TransferState.RUNNING) if lease.surely_dead(row.worker)), None)
    expired = Q(state=TransferState.RUNNING) & (Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))
    return lost or rows.filter(Q(state=TransferState.QUEUED) | expired).first()


def claim_transfer(transfer: Transfer) -> bool:
    """Take a waiting transfer, or a running one whose worker is gone, as its next attempt. False: it is not to be had.

    One that has lost its worker MAX_ATTEMPTS times since it was asked for, or given back, is failed instead.
    """
    transfer.refresh_from_db()
    if transfer.state == TransferState.RUNNING:
        if not _abandoned(transfer):
            return False
        if lease.all_went_down(transfer.worker):  # as in a power cut, which is not the fault of the files
            _forgive(transfer)
        deaths = transfer.attempt - int(transfer.settings.get("attempts_before", 0))
        if deaths >= config.MAX_ATTEMPTS:
            error = f"Its worker died {deaths} times: perhaps the files are too large for the memory of this machine."
            _end(transfer, TransferState.FAILED, error=error)
            return False
    elif transfer.state != TransferState.QUEUED:
        return False
    mine = Transfer.objects.filter(pk=transfer.pk, state=transfer.state, attempt=transfer.attempt)
    taken = mine.update(
        state=TransferState.RUNNING,
        attempt=F("attempt") + 1,
        worker=lease.own_name(),
        lease_until=_lease(),
        started_at=Now(),
        error="",
    )
    transfer.refresh_from_db()
    return bool(taken)


def execute_transfer(transfer: Transfer, *, stopped: Callable[[], bool] = bool) -> Transfer:
    """Claim `transfer`, do its work and write down how it ended; nothing that goes wrong in the work is raised.

    `stopped` says that the worker has to end: then the transfer is given back. Where another worker was faster, or it
    was ended for good, nothing is done.
    """
    if not claim_transfer(transfer):
        return transfer
    hold = _Hold(transfer, stopped)
    try:
        with hold.heart():
            result = perform(transfer, hold.report, hold.cancelled)
        _end(transfer, TransferState.SUCCEEDED, result=result)
    except StoppedTransferError:
        _stop(transfer, hold)
    except Exception as error:  # the work may fail in any way; the row must say how
        if hold.must_stop():
            _stop(transfer, hold)
        else:
            if not isinstance(error, Refused):
                _log.exception("transfer %s failed", transfer.pk)
            _end(transfer, TransferState.FAILED, error=_sentence(error))
    transfer.refresh_from_db()
    return transfer


class _Hold:
    """One attempt's hold on its transfer: it keeps the lease alive and hears when the work must stop."""

    def __init__(self, transfer: Transfer, stopped: Callable[[], bool]) -> None:
        self._mine = Transfer.objects.filter(pk=transfer.pk, attempt=transfer.attempt, state=TransferState.RUNNING)
        self._stopped = stopped
        self._lost, self._cancel = threading.Event(), threading.Event()
        self._reported = self._looked = 0.0

    @property
    def cancel_asked(self) -> bool:
        return self._cancel.is_set()

    def must_stop(self) -> bool:
        return self._stopped() or self._lost.is_set() or self._cancel.is_set()

    def cancelled(self) -> bool:
        """For the work to ask between two of its pieces."""
        self._look()
        return self.must_stop()

    def report(self, done: int, total: int | None = None) -> None:
        """Raises StoppedTransferError when the work must not go on."""
        if self.must_stop():
            raise StoppedTransferError
        now = time.monotonic()
        if now - self._reported < PAUSE and done != total:
            return
        self._reported = now
        if not self._mine.update(progress={"done": done, "total": total}, lease_until=_lease()):
            self._lost.set()
        self._look()
        if self.must_stop():
            raise StoppedTransferError

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked >= PAUSE:
            self._looked = now
            if self._mine.filter(cancel_requested=True).exists():
                self._cancel.set()

    @contextmanager
    def heart(self) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=self._beat, args=(done,), name="heart", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _beat(self, done: threading.Event) -> None:
        try:
            while not done.wait(config.LEASE_SECONDS / 3):
                try:
                    if not self._mine.update(lease_until=_lease()):
                        self._lost.set()
                        return
                except DatabaseError as error:
                    _log.warning("the lease of a transfer could not be renewed this time: %s", error)
        finally:
            connection.close()


def _stop(transfer: Transfer, hold: _Hold) -> None:
    if hold.cancel_asked:
        _end(transfer, TransferState.CANCELLED)
    else:
        settings = {**transfer.settings, "attempts_before": transfer.attempt}
        _mine(transfer).update(state=TransferState.QUEUED, lease_until=None, settings=settings)


def _end(transfer: Transfer, state: TransferState, *, result: dict[str, Any] | None = None, error: str = "") -> bool:
    """False: another attempt holds the transfer by now."""
    return bool(
        _mine(transfer).update(
            state=state,
            result=result or {},
            error=error,
            lease_until=None,
            cancel_requested=False,
            ended_at=Now(),
        )
    )


def _mine(transfer: Transfer) -> Any:
    return Transfer.objects.filter(pk=transfer.pk, attempt=transfer.attempt, state=TransferState.RUNNING)


def _forgive(transfer: Transfer) -> None:
    settings = {**transfer.settings, "attempts_before": int(transfer.settings.get("attempts_before", 0)) + 1}
    _mine(transfer).update(settings=settings)
    transfer.settings = settings


def _abandoned(transfer: Transfer) -> bool:
    rows = Transfer.objects.filter(pk=transfer.pk).filter(Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))
    return rows.exists() or lease.surely_dead(transfer.worker)


def _lease() -> Any:
    return Now() + timedelta(seconds=config.LEASE_SECONDS)


def _sentence(error: Exception) -> str:
    if is_disk_full(error, config.HOME):
        return full_words(config.HOME)
    text = str(error) or type(error).__name__
    return text if isinstance(error, Refused) else f"Something went wrong here: {type(error).__name__}: {text}"
