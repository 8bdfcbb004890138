"""The lane of imports and exports in a worker, and the message that wakes it. Which work there is, the rows say."""

from __future__ import annotations

from celery import shared_task

from annotation.actions.transfers_work import execute_transfer, next_transfer
from annotation.lanes import Lane, stopping
from annotation.models import TransferState


def take_transfer() -> bool:
    transfer = next_transfer()
    if transfer is None:
        return False
    transfer = execute_transfer(transfer, stopped=stopping.is_set)
    return transfer.state != TransferState.QUEUED


_transfers = Lane("light", "transfers", take_transfer)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]  # celery is not typed
def transfers() -> None:
    """Do the imports and exports that wait."""
    _transfers.work()
