"""The four steps of a round. Each is handed a Context and answers with a function that publishes what it made."""

from __future__ import annotations

from learning.actions.models import ModelError, find_model, incumbent_teacher
from learning.models import ModelVersion
from learning.states import Step
from learning.steps import distil, predict, rank, train
from learning.steps.context import Context
from learning.steps.publishing import Publish


def perform(context: Context) -> Publish:
    """Do the step of the context's run."""
    match Step(context.run.step):
        case Step.TRAIN:
            return train.perform(context)
        case Step.RANK:
            return rank.perform(context)
        case Step.DISTIL:
            return distil.perform(context, _teacher(context))
        case Step.PREDICT:
            return predict.perform(context)


def _teacher(context: Context) -> ModelVersion:
    if context.round is not None and context.round.teacher is not None:
        return context.round.teacher
    wanted = context.settings.teacher
    if wanted not in {"auto", "teacher"}:
        return find_model(context.project, wanted)
    teacher = incumbent_teacher(context.project)
    if teacher is None:
        raise ModelError(f"{context.project.key} has no teacher that passed its gate: train one with train_teacher")
    return teacher
