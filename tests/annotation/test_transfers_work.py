"""Imports and exports in a worker: claimed once, taken over, fenced, cancelled, given back."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from annotation import lease
from annotation.actions import transfers_work
from annotation.actions.projects import create_project
from annotation.actions.transfers_work import StoppedTransferError, claim_transfer, execute_transfer, next_transfer
from annotation.errors import Refused
from annotation.models import Transfer, TransferKind, TransferState
from annotation.tasks import take_transfer

pytestmark = pytest.mark.django_db

Report = Callable[[int, int | None], None]


@pytest.fixture
def transfer() -> Transfer:
    project = create_project(name="Study")
    return Transfer.objects.create(project=project, kind=TransferKind.EXPORT, state=TransferState.QUEUED)


def working(monkeypatch: pytest.MonkeyPatch, work: Callable[[Transfer, Report, Callable[[], bool]], Any]) -> None:
    """Puts `work` in the place of the real work."""
    monkeypatch.setattr(transfers_work, "perform", work)


def lose_worker(transfer: Transfer) -> None:
    host = lease.own_name().rsplit(":", 2)[0]
    Transfer.objects.filter(pk=transfer.pk).update(worker=f"{host}:999999999:1")


def test_what_waits_is_done_and_its_result_kept(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(seen: Transfer, report: Report, cancelled: Callable[[], bool]) -> dict[str, Any]:
        assert Transfer.objects.get(pk=seen.pk).state == TransferState.RUNNING
        report(3, 3)
        assert Transfer.objects.get(pk=seen.pk).progress == {"done": 3, "total": 3}
        assert not cancelled()
        return {"images": 3}

    working(monkeypatch, work)
    assert take_transfer()
    assert not take_transfer(), "nothing waits any more"
    transfer.refresh_from_db()
    assert (transfer.state, transfer.result, transfer.attempt) == (TransferState.SUCCEEDED, {"images": 3}, 1)
    assert transfer.lease_until is None
    assert transfer.ended_at is not None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refused("The archive is empty."), "The archive is empty."),
        (OSError("torn"), "Something went wrong here: OSError: torn"),
        (OSError(errno.ENOSPC, "No space left on device"), "is full. Make room, then try again."),
    ],
)
def test_what_goes_wrong_is_told(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def work(*_: Any) -> dict[str, Any]:
        raise error

    working(monkeypatch, work)
    assert take_transfer()
    transfer.refresh_from_db()
    assert transfer.state == TransferState.FAILED
    assert said in transfer.error


def test_of_two_workers_one_claims(transfer: Transfer) -> None:
    other = Transfer.objects.get(pk=transfer.pk)
    assert claim_transfer(transfer)
    assert not claim_transfer(other)
    assert next_transfer() is None, "its worker lives"


def test_a_transfer_whose_worker_died_is_taken_over_and_the_old_attempt_writes_nothing(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(seen: Transfer, report: Report, cancelled: Callable[[], bool]) -> dict[str, Any]:
        if seen.attempt == 1:
            lose_worker(seen)
            working(monkeypatch, lambda *_: {"by": 2})
            taken = next_transfer()
            assert taken is not None
            assert execute_transfer(taken).state == TransferState.SUCCEEDED
            with pytest.raises(StoppedTransferError):
                report(9, 9)
            assert cancelled()
        return {"by": seen.attempt}

    working(monkeypatch, work)
    execute_transfer(transfer)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.result, transfer.attempt) == (TransferState.SUCCEEDED, {"by": 2}, 2)
    assert transfer.progress == {}


def test_cancelled_it_stops_at_its_next_report(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(seen: Transfer, report: Report, cancelled: Callable[[], bool]) -> dict[str, Any]:
        Transfer.objects.filter(pk=seen.pk).update(cancel_requested=True)
        report(1, 1)
        raise AssertionError("it went on")

    working(monkeypatch, work)
    assert execute_transfer(transfer).state == TransferState.CANCELLED
    assert not transfer.cancel_requested


def test_asking_often_does_not_keep_the_progress_from_being_written(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def work(row: Transfer, report: Report, cancelled: Callable[[], bool]) -> dict[str, Any]:
        for done in range(1, 5):
            assert not cancelled()
            report(done, 9)
            seen.append(Transfer.objects.get(pk=row.pk).progress.get("done"))
            clock[0] += 0.3
        return {}

    clock = [100.0]
    monkeypatch.setattr("annotation.actions.transfers_work.time.monotonic", lambda: clock[0])
    working(monkeypatch, work)
    assert execute_transfer(transfer).state == TransferState.SUCCEEDED
    assert seen == [1, 1, 3, 3]


def test_the_work_may_ask_and_stop_in_its_own_way(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(seen: Transfer, report: Report, cancelled: Callable[[], bool]) -> dict[str, Any]:
        Transfer.objects.filter(pk=seen.pk).update(cancel_requested=True)
        if cancelled():
            raise Refused("stopped")
        raise AssertionError("it was not told")

    working(monkeypatch, work)
    assert execute_transfer(transfer).state == TransferState.CANCELLED


def test_a_worker_that_ends_gives_it_back(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    working(monkeypatch, lambda _transfer, report, _cancelled: report(1, 2))
    assert execute_transfer(transfer, stopped=lambda: True).state == TransferState.QUEUED
    working(monkeypatch, lambda *_: {"done": True})
    assert execute_transfer(transfer).state == TransferState.SUCCEEDED
    assert transfer.attempt == 2


def test_one_that_keeps_losing_its_worker_fails_in_words(transfer: Transfer, settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 2
    for _ in range(2):
        assert claim_transfer(transfer)
        lose_worker(transfer)
    assert not claim_transfer(transfer)
    transfer.refresh_from_db()
    assert transfer.state == TransferState.FAILED
    assert "died 2 times" in transfer.error
