"""What the people of a project are told of the loop: batch ready, round failed, gate refused."""

from __future__ import annotations

from django.urls import reverse

from annotation.actions.notices import notify
from annotation.models import NoticeKind
from learning.models import Round, Run, Transition
from learning.states import RoundState


def tell_of_move(round_: Round, move: Transition) -> None:
    """Tell of a round that just moved, in the transaction of the move. Why it failed may name files: its page says."""
    if move.new == RoundState.FAILED:
        text = f"Round {round_.number} failed while {move.old}. Its page says why and what to do."
        _tell(round_, NoticeKind.ROUND_FAILED, f"round {round_.number} failed {move.pk}", text)
    elif move.new == RoundState.LABELLING and round_.batch is not None:
        fields = round_.batch.fields.count()
        waiting = "1 field waits" if fields == 1 else f"{fields} fields wait"
        text = f"The batch of round {round_.number} is ready: {waiting} for labels."
        _tell(round_, NoticeKind.BATCH_READY, f"round {round_.number} labelling", text)


def tell_of_refusal(run: Run, label: str, reason: str) -> None:
    """Tell of a model that its gate refused, in the transaction that publishes it."""
    why = reason.removeprefix("refused: ").rstrip(".")
    path = reverse("models", args=[run.project.key])
    if run.round is not None:
        path = reverse("round", args=[run.project.key, run.round.number])
    text = f"{label} did not pass its gate: {why}. The model before it goes on."
    notify(
        project=run.project, kind=NoticeKind.GATE_REFUSED, event=f"model {label} refused by run {run.pk}",
        text=text, path=path,
    )  # fmt: skip


def _tell(round_: Round, kind: NoticeKind, event: str, text: str) -> None:
    path = reverse("round", args=[round_.project.key, round_.number])
    notify(project=round_.project, kind=kind, event=event, text=text, path=path)
