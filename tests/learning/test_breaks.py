"""Rounds that are cancelled, break or lose their worker: nothing is done twice, nothing is lost, nobody is stuck."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from annotation.models import Batch
from learning.actions.rounds import cancel_round, finish_run, retry_round, waiting_run
from learning.actions.runs import LostLeaseError, cancel_run, claim_run
from learning.models import ModelVersion, Round, Run, Transition
from learning.runner import execute_run
from learning.states import RoundState, RunState, Step
from learning.steps.context import StoppedError
from tests.learning import rows
from tests.learning.play import begin, perform, play, states
from tests.learning.zoo import FakeZoo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo")]


def test_cancelled_while_it_waits_it_stops_at_once_and_goes_on_where_it_stopped() -> None:
    round_ = play(begin(rows.study()), runs=1)
    assert round_.state == RoundState.RANKING
    assert cancel_round(round_=round_, actor=None)
    round_.refresh_from_db()
    assert round_.state == RoundState.CANCELLED
    assert states(round_) == {"train": "succeeded", "rank": "cancelled"}
    assert not cancel_round(round_=round_, actor=None)
    assert retry_round(round_=round_, actor=None)
    assert not retry_round(round_=round_, actor=None)
    assert round_.state == RoundState.RANKING
    play(round_)
    assert states(round_) == dict.fromkeys(["train", "rank", "distil", "predict"], "succeeded")
    assert round_.runs.get(step=Step.RANK).attempt == 1
    assert Run.objects.filter(round=round_).count() == 4


def test_cancelled_while_it_runs_it_stops_at_its_next_report(zoo: FakeZoo) -> None:
    project = rows.study()
    round_ = begin(project)

    def cancel(verb: str, request: Any) -> None:
        cancel_round(round_=Round.objects.get(pk=round_.pk), actor=None)

    zoo.before = cancel
    play(round_, runs=1)
    assert round_.state == RoundState.CANCELLED
    run = round_.runs.get()
    assert (run.state, run.cancel_requested, run.lease_until) == (RunState.CANCELLED, False, None)
    assert run.epochs.exists(), "it heard of it at the end of an epoch"
    assert not ModelVersion.objects.filter(project=project).exists()
    zoo.before = None
    assert retry_round(round_=round_, actor=None)
    play(round_)
    assert round_.state == RoundState.LABELLING
    assert round_.runs.get(step=Step.TRAIN).attempt == 2


def test_cancelled_while_a_step_publishes_the_round_stops_before_the_next() -> None:
    """What is done is kept; what was asked for, that the round stops, happens."""
    project = rows.study()
    round_ = begin(project)
    run = round_.runs.get()
    claim_run(run)
    publish = perform(run)
    assert cancel_run(run=Run.objects.get(pk=run.pk), actor=None)
    finish_run(run, publish, 1.0)
    round_.refresh_from_db()
    assert round_.state == RoundState.CANCELLED
    assert states(round_) == {"train": "succeeded", "rank": "cancelled"}
    assert round_.teacher is not None
    retry_round(round_=round_, actor=None)
    assert play(round_).state == RoundState.LABELLING


def test_a_step_that_breaks_fails_its_round_with_a_sentence_and_leaves_the_traceback_in_the_log(zoo: FakeZoo) -> None:
    def break_(verb: str, request: Any) -> None:
        raise OSError("the stage is gone")

    zoo.before = break_
    round_ = play(begin(rows.study()), runs=1)
    assert round_.state == RoundState.FAILED
    run = round_.runs.get()
    assert run.state == RunState.FAILED
    assert (run.error, run.cause) == ("OSError: the stage is gone", "error")
    assert "Traceback" in run.log.read_text()
    assert "in break_" in run.log.read_text()
    assert Transition.objects.filter(run=run).latest("pk").why == run.error
    zoo.before = None
    assert retry_round(round_=round_, actor=None)
    assert play(round_).state == RoundState.LABELLING


def test_a_step_that_breaks_while_it_publishes_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction is undone after the run had ended in it: the row must still tell of the failure."""
    project = rows.study()
    round_ = begin(project)
    with monkeypatch.context() as patch:
        patch.setattr("learning.actions.rounds.queue_run", refuse)
        play(round_, runs=1)
    assert round_.state == RoundState.FAILED
    assert round_.runs.get().error == "OSError: the disk is gone"
    assert round_.teacher is None
    assert not ModelVersion.objects.exists()


def refuse(**_: Any) -> Run:
    raise OSError("the disk is gone")


def test_an_attempt_that_lost_its_lease_publishes_nothing(home: Path) -> None:
    project = rows.study()
    round_ = begin(project)
    old = round_.runs.get()
    claim_run(old)
    publish = perform(old)
    new = Run.objects.get(pk=old.pk)
    Run.objects.filter(pk=old.pk).update(worker="elsewhere:1:1", lease_until=None)
    assert claim_run(new)
    with pytest.raises(LostLeaseError):
        finish_run(old, publish, 1.0)
    assert not ModelVersion.objects.exists()
    assert not list((home / "models").rglob("weights.*"))
    assert Run.objects.get(pk=old.pk).state == RunState.RUNNING
    finish_run(new, perform(new), 1.0)
    model = ModelVersion.objects.get()
    assert model.label == "t1"
    assert model.weights.is_file()


def test_one_run_publishes_once() -> None:
    project = rows.study()
    run = begin(project).runs.get()
    claim_run(run)
    twin = Run.objects.get(pk=run.pk)
    publish = perform(run)
    finish_run(run, publish, 1.0)
    for late in (run, twin):
        with pytest.raises(LostLeaseError):
            finish_run(late, publish, 1.0)
    assert ModelVersion.objects.filter(project=project).count() == 1
    assert Run.objects.filter(project=project, step=Step.RANK).count() == 1


def test_a_run_told_to_stop_after_it_was_taken_over_leaves_the_new_holder_alone(zoo: FakeZoo) -> None:
    """Its heart noticed the loss and sent SIGTERM, as the runner does."""
    run = begin(rows.study()).runs.get()

    def lose(verb: str, request: Any) -> None:
        Run.objects.filter(pk=run.pk).update(worker="elsewhere:1:1", lease_until=None)
        zoo.before = None
        assert claim_run(Run.objects.get(pk=run.pk))
        raise StoppedError("told to end")

    zoo.before = lose
    execute_run(run, beat=False)
    now = Run.objects.get(pk=run.pk)
    assert (now.state, now.attempt) == (RunState.RUNNING, 2)


def test_a_run_that_kept_losing_its_worker_fails_its_round_and_can_be_tried_again() -> None:
    round_ = begin(rows.study())
    run = round_.runs.get()
    while claim_run(run):
        Run.objects.filter(pk=run.pk).update(worker="elsewhere:1:1", lease_until=None)
    assert (run.state, run.attempt) == (RunState.FAILED, 3)
    assert waiting_run(round_) is None
    assert round_.state == RoundState.FAILED
    assert retry_round(round_=round_, actor=None)
    run.refresh_from_db()
    assert claim_run(run)
    Run.objects.filter(pk=run.pk).update(worker="elsewhere:1:1", lease_until=None)
    assert claim_run(run), "a new try may lose its worker as often"


def test_a_finished_training_is_not_done_again_by_the_next_attempt(zoo: FakeZoo) -> None:
    """The judging after a training may be killed or cancelled as well."""
    round_ = begin(rows.study())

    def break_(verb: str, request: Any) -> None:
        if verb == "detect":
            raise OSError("killed while judging")

    zoo.before = break_
    play(round_, runs=1)
    assert (round_.state, len(zoo.trained)) == (RoundState.FAILED, 1)
    zoo.before = None
    retry_round(round_=round_, actor=None)
    assert play(round_).state == RoundState.LABELLING
    assert [Path(request.out).parent.name for request in zoo.trained] == ["attempt1", "attempt1"], "teacher, student"
    batches = Batch.objects.filter(project=round_.project)
    assert batches.count() == 1
