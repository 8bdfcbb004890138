"""Runs: claimed once, fenced by attempt, taken over when their worker is gone, cancelled, tried again."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from annotation import lease
from learning.actions.runs import (
    CancelRequestedError,
    LostLeaseError,
    cancel_run,
    claim_run,
    end_run,
    give_back_run,
    renew_lease,
    report_epoch,
    report_progress,
    retry_run,
)
from learning.models import Epoch, Run, Transition
from learning.states import IllegalMove, RunState
from tests.learning import rows

pytestmark = pytest.mark.django_db


def copy_of(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def test_of_two_workers_one_claims_and_one_record_is_left() -> None:
    run = rows.run_of(rows.project())
    other = copy_of(run)
    assert claim_run(run)
    assert not claim_run(other)
    assert (run.state, run.attempt, run.worker) == (RunState.RUNNING, 1, lease.own_name())
    assert [(t.old, t.new, t.attempt) for t in Transition.objects.filter(run=run)] == [("queued", "running", 1)]


def test_a_stale_handle_moves_nothing() -> None:
    run = rows.run_of(rows.project())
    stale = copy_of(run)
    claim_run(run)
    assert not cancel_queued(stale)
    assert copy_of(run).state == RunState.RUNNING


def cancel_queued(stale: Run) -> bool:
    return end_run(stale, RunState.CANCELLED)


def expire(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1), worker="elsewhere:1:1")


def test_an_expired_lease_is_taken_over_and_the_old_attempt_can_write_nothing() -> None:
    old = rows.run_of(rows.project())
    claim_run(old)
    expire(old)
    new = copy_of(old)
    assert claim_run(new)
    assert new.attempt == 2
    with pytest.raises(LostLeaseError):
        renew_lease(old)
    with pytest.raises(LostLeaseError):
        report_progress(old, {"done": 1})
    with pytest.raises(LostLeaseError):
        report_epoch(old, 1, {"box_loss": 1.0}, 2.0)
    assert not end_run(old, RunState.SUCCEEDED, result={"model": "wrong"})
    assert copy_of(new).result == {}
    assert "taken over" in Transition.objects.filter(run=new).latest("pk").why


def test_a_worker_of_this_machine_that_is_no_more_is_not_waited_for() -> None:
    run = rows.run_of(rows.project())
    claim_run(run)
    host = lease.own_name().rsplit(":", 2)[0]
    Run.objects.filter(pk=run.pk).update(worker=f"{host}:999999999:1")
    assert claim_run(copy_of(run))


def test_a_living_worker_keeps_its_run() -> None:
    run = rows.run_of(rows.project())
    claim_run(run)
    assert not claim_run(copy_of(run))


def test_a_run_that_keeps_losing_its_worker_fails(settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 2
    run = rows.run_of(rows.project())
    for _ in range(2):
        assert claim_run(run)
        expire(run)
    assert not claim_run(run)
    assert run.state == RunState.FAILED
    assert "died 2 times" in run.error


def test_an_epoch_that_is_repeated_overwrites_its_own() -> None:
    run = rows.run_of(rows.project())
    claim_run(run)
    report_epoch(run, 1, {"box_loss": 3.0}, 1.0)
    expire(run)
    claim_run(run)
    report_epoch(run, 1, {"box_loss": 2.0}, 1.5)
    report_epoch(run, 2, {"box_loss": 1.0}, 3.0)
    epochs = [(epoch.number, epoch.attempt, epoch.losses) for epoch in Epoch.objects.filter(run=run)]
    assert epochs == [(1, 2, {"box_loss": 2.0}), (2, 2, {"box_loss": 1.0})]


def test_cancelling_a_waiting_run_ends_it_and_a_running_one_is_asked() -> None:
    waiting, running = rows.run_of(rows.project()), rows.run_of(rows.project())
    claim_run(running)
    assert cancel_run(run=waiting, actor=None)
    assert copy_of(waiting).state == RunState.CANCELLED
    assert cancel_run(run=running, actor=None)
    assert copy_of(running).state == RunState.RUNNING
    with pytest.raises(CancelRequestedError):
        renew_lease(running)


def test_a_run_given_back_waits_again() -> None:
    run = rows.run_of(rows.project())
    claim_run(run)
    assert give_back_run(run, seconds=2.5)
    assert claim_run(run)
    assert (run.attempt, run.seconds) == (2, 2.5)


def test_retry_takes_up_failed_runs_only() -> None:
    run = rows.run_of(rows.project())
    with pytest.raises(IllegalMove):
        retry_run(run=run, actor=None)
    claim_run(run)
    end_run(run, RunState.FAILED, error="the disk is full")
    assert retry_run(run=run, actor=None)
    assert (run.state, run.error) == (RunState.QUEUED, "")
    assert claim_run(run)
    assert run.attempt == 2
