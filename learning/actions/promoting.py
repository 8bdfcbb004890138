"""A person says which model predicts from now on."""

from __future__ import annotations

from django.db import transaction

from annotation.access import Actor, Permission, require
from annotation.models import Project
from learning.actions.models import ModelError, deploy_model, deployed_model
from learning.models import Deployment, ModelVersion


@transaction.atomic
def promote_model(*, model: ModelVersion, reason: str, knowingly: bool, actor: Actor) -> Deployment:
    """Let `model` predict from now on, for a `reason` that is kept. One that its gate refused only `knowingly`.

    Raises ModelError where it predicts already, no reason is given, or the gate's refusal was not acknowledged.
    """
    require(actor, model.project, Permission.RUN)
    Project.objects.select_for_update(no_key=True).get(pk=model.project_id)
    if deployed_model(model.project) == model:
        raise ModelError(f"{model.label} predicts already: there is nothing to change.")
    if not reason.strip():
        raise ModelError("Say why, in a few words: the reason is kept beside your name.")
    if not model.accepted and not knowingly:
        said = model.gate.get("reason", "refused")
        raise ModelError(
            f"{model.label} did not pass its gate ({said}). Tick that you know this to promote it all the same, "
            "or choose another model."
        )
    against = "" if model.accepted else " (against its gate, knowingly)"
    return deploy_model(model=model, reason=reason.strip()[: 300 - len(against)] + against, actor=actor)
