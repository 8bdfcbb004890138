"""The lanes of transfers and of deliveries in a worker, and the messages that wake them. The rows say which work."""

from __future__ import annotations

import time

from celery import shared_task

from annotation.actions.deliveries import take_delivery
from annotation.actions.transfers_work import execute_transfer, next_transfer
from annotation.lanes import Lane, stopping
from annotation.models import TransferState
from annotation.transfers.sweep import sweep

# How often what has had its days is removed, in seconds.
SWEEP_SECONDS = 3600.0

_swept = [float("-inf")]


def take_transfer() -> bool:
    """Where nothing waits there is time to tidy up."""
    transfer = next_transfer()
    if transfer is None:
        _sweep_now_and_then()
        return False
    transfer = execute_transfer(transfer, stopped=stopping.is_set)
    return transfer.state != TransferState.QUEUED


def _sweep_now_and_then() -> None:
    if time.monotonic() - _swept[0] >= SWEEP_SECONDS:
        _swept[0] = time.monotonic()
        sweep()


_transfers = Lane("light", "transfers", take_transfer)
_deliveries = Lane("light", "deliveries", take_delivery)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]  # celery is not typed
def transfers() -> None:
    """Do the imports and exports that wait."""
    _transfers.work()


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]  # celery is not typed
def deliveries() -> None:
    """Send the mails and webhook calls that wait."""
    _deliveries.work()
