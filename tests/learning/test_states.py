"""The tables of legal moves, on every pair of states."""

from itertools import product

import pytest

from learning.states import (
    STATE_OF_STEP,
    IllegalMove,
    RoundState,
    RunState,
    Step,
    check_round_move,
    check_run_move,
    step_after,
)

WORKING = {"training", "ranking", "distilling", "predicting"}
LEGAL_ROUND = (
    {("training", "ranking"), ("ranking", "distilling"), ("ranking", "predicting"), ("distilling", "predicting")}
    | {("predicting", "labelling"), ("labelling", "done")}
    | set(product(WORKING, {"failed", "cancelled"}))
    | set(product({"failed", "cancelled"}, WORKING))
)
LEGAL_RUN = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "running"),
    ("running", "queued"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("failed", "queued"),
    ("cancelled", "queued"),
}


@pytest.mark.parametrize(("old", "new"), list(product(RoundState, RoundState)))
def test_every_pair_of_round_states(old: RoundState, new: RoundState) -> None:
    if (str(old), str(new)) in LEGAL_ROUND:
        check_round_move(old, new)
    else:
        with pytest.raises(IllegalMove, match=f"from {old} to {new}"):
            check_round_move(old, new)


@pytest.mark.parametrize(("old", "new"), list(product(RunState, RunState)))
def test_every_pair_of_run_states(old: RunState, new: RunState) -> None:
    if (str(old), str(new)) in LEGAL_RUN:
        check_run_move(old, new)
    else:
        with pytest.raises(IllegalMove, match=f"from {old} to {new}"):
            check_run_move(old, new)


def test_the_steps_follow_each_other() -> None:
    assert step_after(Step.TRAIN, teacher_accepted=False) is Step.RANK
    assert step_after(Step.RANK, teacher_accepted=True) is Step.DISTIL
    assert step_after(Step.RANK, teacher_accepted=False) is Step.PREDICT
    assert step_after(Step.DISTIL, teacher_accepted=True) is Step.PREDICT
    assert step_after(Step.PREDICT, teacher_accepted=True) is None


@pytest.mark.parametrize("accepted", [True, False])
def test_following_the_steps_is_always_legal(accepted: bool) -> None:
    step, seen = Step.TRAIN, [Step.TRAIN]
    while (following := step_after(step, teacher_accepted=accepted)) is not None:
        check_round_move(STATE_OF_STEP[step], STATE_OF_STEP[following])
        step = following
        seen.append(step)
    check_round_move(STATE_OF_STEP[step], RoundState.LABELLING)
    assert len(seen) == (4 if accepted else 3)
