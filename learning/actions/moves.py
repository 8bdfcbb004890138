"""Moving a round or run from one state to another: compare, swap, and leave a record."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from annotation.access import Actor
from learning.actions.telling import tell_of_move
from learning.models import Round, Run, Transition
from learning.states import RoundState, RunState, check_round_move, check_run_move


@transaction.atomic
def move_round(round_: Round, new: RoundState, *, actor: Actor = None, why: str = "", **values: Any) -> bool:
    """Move `round_` on from the state the caller knows. False: someone else moved it first; nothing was written.

    Raises IllegalMove when the table does not hold the move.
    """
    old = RoundState(round_.state)
    check_round_move(old, new)
    if not Round.objects.filter(pk=round_.pk, state=old).update(state=new, **values):
        return False
    move = Transition.objects.create(
        project_id=round_.project_id, round=round_, old=old, new=new, actor_id=_id(actor), why=why[:300]
    )
    round_.refresh_from_db()
    tell_of_move(round_, move)
    return True


@transaction.atomic
def move_run(
    run: Run, new: RunState, *, attempt: int | None = None, actor: Actor = None, why: str = "", **values: Any
) -> bool:
    """Move `run` on from the state and attempt the caller knows. False: it belongs to someone else by now.

    `attempt` is the number the run has after the move, where that changes. Raises IllegalMove.
    """
    old = RunState(run.state)
    check_run_move(old, new)
    if attempt is not None:
        values["attempt"] = attempt
    if not Run.objects.filter(pk=run.pk, state=old, attempt=run.attempt).update(state=new, **values):
        return False
    run.refresh_from_db()
    Transition.objects.create(
        project_id=run.project_id,
        round_id=run.round_id,
        run=run,
        old=old,
        new=new,
        attempt=run.attempt,
        actor_id=_id(actor),
        why=why[:300],
    )
    return True


def _id(actor: Actor) -> int | None:
    return None if actor is None else actor.pk
