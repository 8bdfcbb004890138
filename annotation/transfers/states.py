"""The legal moves of an import, export or release. Pure: no database, no clock."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The words of models.TransferState, which a test compares."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Kind(StrEnum):
    PREVIEW = "preview"
    IMPORT = "import"
    EXPORT = "export"
    RELEASE = "release"


class IllegalMove(ValueError):
    """A move that the table does not hold."""


# receiving -> cancelled throws the files away. running -> running is a take-over, running -> queued gives back.
# failed or cancelled -> queued is a retry.
MOVES: dict[State, frozenset[State]] = {
    State.RECEIVING: frozenset({State.QUEUED, State.CANCELLED}),
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED}),
    State.RUNNING: frozenset({State.RUNNING, State.QUEUED, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
}
# A preview that ended is no end: look again with other settings, import, or take more files.
AFTER_PREVIEW: dict[State, frozenset[State]] = {
    State.SUCCEEDED: frozenset({State.QUEUED, State.RECEIVING, State.CANCELLED}),
    State.FAILED: frozenset({State.QUEUED, State.RECEIVING, State.CANCELLED}),
    State.CANCELLED: frozenset({State.QUEUED, State.RECEIVING}),
}
# What the row may be by the time it waits again: an import that failed may be looked at once more.
NEXT_KINDS: dict[Kind, frozenset[Kind]] = {
    Kind.PREVIEW: frozenset({Kind.PREVIEW, Kind.IMPORT}),
    Kind.IMPORT: frozenset({Kind.IMPORT, Kind.PREVIEW}),
    Kind.EXPORT: frozenset({Kind.EXPORT}),
    Kind.RELEASE: frozenset({Kind.RELEASE}),
}


def moves_from(kind: Kind, state: State) -> frozenset[State]:
    more = AFTER_PREVIEW.get(state, frozenset()) if kind is Kind.PREVIEW else frozenset[State]()
    return MOVES[state] | more


def check_move(kind: Kind, old: State, new: State, new_kind: Kind | None = None) -> None:
    """Raises IllegalMove when a transfer of `kind` may not go from `old` to `new`, or become `new_kind` there."""
    if new not in moves_from(kind, old):
        raise IllegalMove(f"{_a(kind)} cannot go from {old} to {new}")
    if new_kind is not None and new_kind is not kind and (new is not State.QUEUED or new_kind not in NEXT_KINDS[kind]):
        raise IllegalMove(f"{_a(kind)} that is {new} cannot become {_a(new_kind)}")


def _a(kind: Kind) -> str:
    return f"an {kind}" if kind in (Kind.IMPORT, Kind.EXPORT) else f"a {kind}"
