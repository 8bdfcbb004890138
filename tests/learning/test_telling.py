"""What people are told of the loop, in the transaction of what happened."""

from __future__ import annotations

import pytest

from annotation.actions.batches import Asked, publish_batch
from annotation.models import Notice, NoticeKind
from learning.actions.moves import move_round
from learning.actions.rounds import finish_run
from learning.actions.runs import stop_run
from learning.states import RoundState, RunState, Step
from tests.learning import rows

pytestmark = pytest.mark.django_db


def test_a_batch_that_is_ready_is_told_with_its_fields() -> None:
    project = rows.project()
    round_ = rows.round_of(project, RoundState.PREDICTING)
    asked = [Asked(rows.field(project), 1.0, "by chance") for _ in range(2)]
    round_.batch = publish_batch(project=project, number=1, strategy="random", seed=0, asked=asked)
    round_.save(update_fields=["batch"])
    assert move_round(round_, RoundState.LABELLING)
    told = Notice.objects.get()
    assert (told.kind, told.path) == (NoticeKind.BATCH_READY, f"/projects/{project.key}/rounds/{round_.number}/")
    assert told.text == "The batch of round 1 is ready: 2 fields wait for labels."


def test_each_failure_is_told_once_and_never_why_as_that_may_name_files() -> None:
    project = rows.project()
    round_ = rows.round_of(project, RoundState.TRAINING)
    run = rows.run_of(project, Step.TRAIN, round_, state=RunState.RUNNING)
    assert stop_run(run, RunState.FAILED, error="/data/Miller_John.tif is broken")
    assert not stop_run_again(run.pk)
    told = Notice.objects.get()
    assert told.text == "Round 1 failed while training. Its page says why and what to do."
    round_.refresh_from_db()
    move_round(round_, RoundState.TRAINING)
    move_round(round_, RoundState.FAILED)
    assert Notice.objects.filter(kind=NoticeKind.ROUND_FAILED).count() == 2


def stop_run_again(pk: int) -> bool:
    """A second worker that knows the run as it was."""
    from learning.models import Run

    stale = Run.objects.get(pk=pk)
    stale.state = RunState.RUNNING
    return stop_run(stale, RunState.FAILED, error="again")


@pytest.mark.parametrize(("accepted", "told"), [(False, 1), (True, 0)])
def test_a_model_that_its_gate_refused_is_told(accepted: bool, told: int) -> None:
    project = rows.project()
    round_ = rows.round_of(project, RoundState.TRAINING)
    run = rows.run_of(project, Step.TRAIN, round_, state=RunState.RUNNING)
    reason = "refused: it found not one cell on 5 tuning fields"
    finish_run(run, lambda: {"model": "t2", "accepted": accepted, "reason": reason}, 1.0)
    refused = Notice.objects.filter(kind=NoticeKind.GATE_REFUSED)
    assert [row.text for row in refused] == told * [
        "t2 did not pass its gate: it found not one cell on 5 tuning fields. The model before it goes on."
    ]


def test_no_training_is_no_refusal() -> None:
    """A round that keeps its teacher makes no model, so there is none to refuse."""
    project = rows.project()
    round_ = rows.round_of(project, RoundState.TRAINING)
    run = rows.run_of(project, Step.TRAIN, round_, state=RunState.RUNNING)
    finish_run(run, lambda: {"model": None, "accepted": False, "reason": "nothing new"}, 1.0)
    assert not Notice.objects.exists()
