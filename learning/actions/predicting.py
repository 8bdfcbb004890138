"""Predict on one field now: asked for by a person at the workbench, done by a worker within seconds."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from annotation.access import Actor, Permission, may, may_see_predictions, require
from annotation.models import Field, Prediction, Project
from learning.actions.models import ModelError, deployed_model
from learning.actions.runs import queue_run
from learning.models import ModelVersion, Run
from learning.settings import RoundSettings, to_row
from learning.starter import starter_fits
from learning.states import RunState, Step


@transaction.atomic
def predict_field(*, field: Field, actor: Actor) -> Run:
    """Ask for the deployed student's predictions on `field`; the run that is answered tells when they are there.

    Where they are there already it has ended; where somebody asked a moment ago it is that run. A project without a
    student is given the starter weights, if they know its classes; else raises ModelError.
    """
    project = field.project
    if not may(actor, project, Permission.RUN):
        require(actor, project, Permission.LABEL)
    if not may_see_predictions(actor, field):
        raise ModelError("This field is read without predictions: they are shown when you have finished it.")
    # Of two who ask at once, the second gets the first's run.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    model = deployed_model(project)
    if model is None and not starter_fits(project):
        raise ModelError(f"No model predicts in {project.name} yet: an engineer must run a round first.")
    asked = Run.objects.filter(field=field, step=Step.PREDICT).order_by("-pk")
    under_way = asked.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).first()
    if under_way is not None:
        return under_way
    if model is not None:
        done = asked.filter(state=RunState.SUCCEEDED, result__model_id=model.pk).first()
        count = Prediction.objects.filter(field=field, model_id=model.pk).count()
        if count:
            return done or _ended(field, model, count)
        if done is not None and not done.result["predictions"]:
            return done  # it has looked and found no cell; otherwise they were deleted since
    return queue_run(project=project, step=Step.PREDICT, settings=RoundSettings(), round_=None, field=field, actor=None)


def _ended(field: Field, model: ModelVersion, count: int) -> Run:
    """A run without work: a round's predictions were there before."""
    shown = Prediction.objects.filter(field=field, model_id=model.pk, score__gte=model.threshold).count()
    return Run.objects.create(
        project_id=field.project_id,
        field=field,
        step=Step.PREDICT,
        state=RunState.SUCCEEDED,
        settings=to_row(RoundSettings()),
        result={"model": model.label, "model_id": model.pk, "predictions": count, "shown": shown},
        started_at=Now(),
        ended_at=Now(),
    )
