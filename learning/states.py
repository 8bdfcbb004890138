"""The legal moves of a round and of a run. Pure: no database, no clock."""

from __future__ import annotations

from enum import StrEnum


class RoundState(StrEnum):
    TRAINING = "training"
    RANKING = "ranking"
    DISTILLING = "distilling"
    PREDICTING = "predicting"
    LABELLING = "labelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    TRAIN = "train"
    RANK = "rank"
    DISTIL = "distil"
    PREDICT = "predict"


class Cause(StrEnum):
    """Why a run failed, as far as it can be told; its error says it in a sentence."""

    DISK_FULL = "disk full"
    OUT_OF_MEMORY = "out of memory"
    TIME_LIMIT = "time limit"
    WORKER_DIED = "worker died"
    ERROR = "error"


class IllegalMove(ValueError):
    """A move that the table does not hold."""


# The state a round is in while a step of it runs.
STATE_OF_STEP: dict[Step, RoundState] = {
    Step.TRAIN: RoundState.TRAINING,
    Step.RANK: RoundState.RANKING,
    Step.DISTIL: RoundState.DISTILLING,
    Step.PREDICT: RoundState.PREDICTING,
}
STEP_OF_STATE: dict[RoundState, Step] = {state: step for step, state in STATE_OF_STEP.items()}
WORKING: frozenset[RoundState] = frozenset(STEP_OF_STATE)

# A refused teacher is not distilled, so ranking may go straight to predicting.
# A failed or cancelled round goes back to the step it stopped in (retry).
ROUND_MOVES: dict[RoundState, frozenset[RoundState]] = {
    RoundState.TRAINING: frozenset({RoundState.RANKING, RoundState.FAILED, RoundState.CANCELLED}),
    RoundState.RANKING: frozenset(
        {RoundState.DISTILLING, RoundState.PREDICTING, RoundState.FAILED, RoundState.CANCELLED}
    ),
    RoundState.DISTILLING: frozenset({RoundState.PREDICTING, RoundState.FAILED, RoundState.CANCELLED}),
    RoundState.PREDICTING: frozenset({RoundState.LABELLING, RoundState.FAILED, RoundState.CANCELLED}),
    RoundState.LABELLING: frozenset({RoundState.DONE}),
    RoundState.DONE: frozenset(),
    RoundState.FAILED: WORKING,
    RoundState.CANCELLED: WORKING,
}

# running -> running is a take-over: the lease of the earlier attempt ran out.
# running -> queued gives a run back (its worker stops); failed or cancelled -> queued is a retry.
RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED}),
    RunState.RUNNING: frozenset(
        {RunState.RUNNING, RunState.QUEUED, RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.CANCELLED: frozenset({RunState.QUEUED}),
}


def check_round_move(old: RoundState, new: RoundState) -> None:
    """Raises IllegalMove when a round may not go from `old` to `new`."""
    if new not in ROUND_MOVES[old]:
        raise IllegalMove(f"a round cannot go from {old} to {new}")


def check_run_move(old: RunState, new: RunState) -> None:
    """Raises IllegalMove when a run may not go from `old` to `new`."""
    if new not in RUN_MOVES[old]:
        raise IllegalMove(f"a run cannot go from {old} to {new}")


def step_after(step: Step, *, teacher_accepted: bool) -> Step | None:
    """The step that follows; None after the last. Only an accepted teacher is distilled."""
    if step is Step.TRAIN:
        return Step.RANK
    if step is Step.RANK:
        return Step.DISTIL if teacher_accepted else Step.PREDICT
    return Step.PREDICT if step is Step.DISTIL else None
