"""What may go: the working folders of ended attempts, and the weights of models that nobody goes back to.

The logs of runs and the cards of models always stay, and so does what a model found. What predicts keeps its weights,
and so do its teacher, the newest accepted teacher, what a roll-back would bring back, and what a round is at work with.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from annotation import store
from annotation.access import Actor, Permission, require
from annotation.alone import alone
from annotation.models import Project
from annotation.transfers.sweep import sweep
from learning.actions.backups import parts_left
from learning.actions.models import deployed_model, incumbent_teacher
from learning.models import ModelKind, ModelVersion, Run
from learning.states import WORKING, RunState


def tidy() -> dict[str, Any]:
    """Tidy all projects, and what an upload, an export or a backup left. Raises Refused while a backup runs."""
    with alone("tidying"):
        sweep()
        for part in parts_left():
            part.unlink(missing_ok=True)
        told = [_tidy(project) for project in Project.objects.order_by("pk")]
    return {
        "attempts": sum(one["attempts"] for one in told),
        "models": [f"{one['project']}/{label}" for one in told for label in one["models"]],
        "bytes": sum(one["bytes"] for one in told),
    }


def tidy_project(*, project: Project, actor: Actor) -> dict[str, Any]:
    """The same for one project: `attempts` folders and the weights of `models` went, and so many `bytes` with them."""
    require(actor, project, Permission.ADMINISTER)
    with alone("tidying"):
        return _tidy(project)


def _tidy(project: Project) -> dict[str, Any]:
    attempts, freed = _remove_attempts(project)
    models = list(removable_models(project))
    for model in models:
        ModelVersion.objects.filter(pk=model.pk).update(weights_removed_at=timezone.now())
    # Those of an earlier time too, whose process was killed after it had said so.
    for model in project.models.exclude(weights_removed_at=None):
        freed += _unlink_weights(model)
    return {"project": project.key, "attempts": attempts, "models": [row.label for row in models], "bytes": freed}


def _remove_attempts(project: Project) -> tuple[int, int]:
    before = timezone.now() - timedelta(days=settings.ATTEMPT_DAYS)
    ended = [RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED]
    count = freed = 0
    for run in Run.objects.filter(project=project, state__in=ended, ended_at__lt=before):
        for folder in run.folder.glob("attempt*"):
            freed += bytes_below(folder)
            store.forget(folder)
            shutil.rmtree(folder, ignore_errors=True)
            count += 1
    return count, freed


def removable_models(project: Project) -> Iterable[ModelVersion]:
    """Models whose weights go now: refused ones that had their days, and accepted ones with many newer ones after."""
    needed, before = _needed(project), timezone.now() - timedelta(days=settings.REFUSED_DAYS)
    rows = project.models.filter(weights_removed_at=None).order_by("-pk")
    for kind in ModelKind:
        accepted = list(rows.filter(kind=kind).filter(Q(accepted=True) | Q(deployments__isnull=False)).distinct())
        older = accepted[settings.KEEP_MODELS :] if settings.KEEP_MODELS else []
        refused = rows.filter(kind=kind, accepted=False, deployments=None, created_at__lt=before)
        yield from (model for model in (*older, *refused) if model.pk not in needed)


def _needed(project: Project) -> set[int]:
    deployed = deployed_model(project)
    models = [deployed, incumbent_teacher(project), *_before(project, deployed)]
    for round_ in project.rounds.filter(state__in=WORKING).select_related("teacher", "student"):
        models += [round_.teacher, round_.student]
    return {pk for model in models if model is not None for pk in (model.pk, model.teacher_id) if pk is not None}


def _before(project: Project, deployed: ModelVersion | None) -> list[ModelVersion]:
    """What a roll-back would deploy: see actions.models.roll_back."""
    first = project.deployments.filter(model=deployed).first()
    before = project.deployments.filter(pk__lt=first.pk).select_related("model").last() if first else None
    return [before.model] if before else []


def _unlink_weights(model: ModelVersion) -> int:
    freed = 0
    for file in (model.weights, model.onnx):
        if file.exists():
            freed += file.stat().st_size
            store.forget(file)
            file.unlink()
    return freed


def bytes_below(folder: Path) -> int:
    """Of all files below `folder`; of one that goes meanwhile nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        except FileNotFoundError:
            continue
    return total
