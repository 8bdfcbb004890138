"""The first step of a round: train a teacher on what is labelled, judge it, let it pass its gate or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from annotation.models import Split
from learning.actions.models import incumbent_teacher, register_model
from learning.models import ModelKind, Round
from learning.steps.context import Context
from learning.steps.judging import judge_model
from learning.steps.publishing import Publish
from learning.steps.training import Material, columns, gather, looker_of, request_for, run_training
from learning.weights import find_weights, there_are
from models_zoo import machine


def perform(context: Context) -> Publish:
    """Raises ValueError, KeyError or OSError of the zoo and the disk; the runner turns them into a failed run."""
    project = context.project
    material = gather(context, project)
    nothing = _nothing_to_learn(material)
    if nothing:
        return lambda: _refuse(context.round, nothing)
    variant = context.settings.teacher
    if variant == "auto":
        variant = machine.choose_teacher(context.device, there_are())
    start = find_weights(variant)
    request = request_for(
        context,
        material,
        variant,
        material.records(Split.TRAINING),
        epochs=context.settings.epochs,
        weights=start.file,
        weights_from=start.origin,
    )
    result = run_training(context, request)
    judgement = judge_model(
        looker_of(request, result, material),
        material.plan,
        material.readings,
        incumbent_teacher(project),
        context.folder,
        context.device,
        context.counting("judging"),
        files=Path(result.weights).parent,
    )
    values = columns(ModelKind.TEACHER, request, result, material, judgement, context.settings)

    def publish() -> dict[str, Any]:
        model = register_model(project=project, kind=ModelKind.TEACHER, files=Path(result.weights).parent, **values)
        if context.round is not None:
            Round.objects.filter(pk=context.round.pk).update(teacher=model, reason=judgement.verdict.reason)
            context.round.refresh_from_db()
        return {"model": model.label, "reason": judgement.verdict.reason, "accepted": model.accepted}

    return publish


def _nothing_to_learn(material: Material) -> str:
    fields = material.of(Split.TRAINING)
    if not fields:
        return "no teacher: no training field is labelled exhaustively yet; label the batch, then start the next round"
    if not material.plan.numbers:
        return f"no teacher: the {len(fields)} labelled training fields hold no cell to learn"
    return ""


def _refuse(round_: Round | None, reason: str) -> dict[str, Any]:
    if round_ is not None:
        Round.objects.filter(pk=round_.pk).update(reason=reason)
        round_.refresh_from_db()
    return {"model": None, "reason": reason, "accepted": False}
