"""Model versions: registered, deployed, rolled back, found by name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings as config
from django.db import transaction

import models_zoo
from annotation import store
from annotation.access import Actor, Permission, require
from annotation.errors import Refused
from annotation.models import Project
from learning.models import Deployment, ModelKind, ModelVersion


class ModelError(Refused):
    """A model cannot be found or used; the text says why and which there are."""


@transaction.atomic
def register_model(*, project: Project, kind: ModelKind, files: Path, label: str = "", **values: Any) -> ModelVersion:
    """Give the model in the folder `files` (weights.pt, weights.onnx) its label and its place under MODELS_DIR.

    A copy is renamed into place, so a model is there whole or not at all, and `files` stay: when the transaction is
    undone, the next attempt registers the same model again. `values` are the other columns of the row. `label`: where
    it is not the next one of its kind.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    label = label or _next_label(project, kind)
    sha256 = hashlib.sha256((files / "weights.pt").read_bytes()).hexdigest()
    folder = Path(project.key) / f"{label}-{sha256[:12]}"
    card = msgspec.json.format(msgspec.json.encode(values["card"] | {"label": label}))
    put_in_place(files, config.MODELS_DIR / folder, card, label)
    return ModelVersion.objects.create(
        project=project, kind=kind, label=label, folder=str(folder), sha256=sha256, **values
    )


def _next_label(project: Project, kind: ModelKind) -> str:
    labels = project.models.filter(kind=kind).values_list("label", flat=True)
    return f"{kind[0]}{max((int(label[1:]) for label in labels), default=0) + 1}"


def put_in_place(files: Path, place: Path, card: bytes, label: str) -> None:
    """Copy `files` to `place`. What lies under this label without a row, left by a crash before a commit, makes way."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for stray in place.parent.glob(f"{label}-*"):
        shutil.rmtree(stray)
    part = place.parent / f"part-{label}"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(
        files, part, copy_function=_link, ignore=shutil.ignore_patterns("environment", "*.part", "epochs.jsonl")
    )
    (part / "card.json").write_bytes(card)
    part.rename(place)
    store.share_folder(place)


def _link(source: str, target: str) -> None:
    """Weights are never written to again, so that a second name for them saves the room of a copy."""
    try:
        if not source.endswith((".pt", ".onnx")):
            raise OSError("only weights are linked")
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@transaction.atomic
def deploy_model(*, model: ModelVersion, reason: str, actor: Actor) -> Deployment:
    """Let `model` predict from now on."""
    require(actor, model.project, Permission.RUN)
    if not model.onnx.exists():
        raise ModelError(f"{model.label} has no weights.onnx in {model.path}: train it again or restore a backup")
    return Deployment.objects.create(
        project=model.project, model=model, reason=reason[:300], author_id=None if actor is None else actor.pk
    )


@transaction.atomic
def roll_back(*, project: Project, actor: Actor, seen: str = "") -> Deployment:
    """Deploy again what predicted before the present model was first deployed; once more goes one further back.

    `seen`: label of the model that the asker saw predicting. Raises ModelError where another one does so by now, and
    when there was nothing before it.
    """
    require(actor, project, Permission.RUN)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # of two clicks the second sees the first
    now = deployed_model(project)
    if seen and now is not None and now.label != seen:
        raise ModelError(f"{now.label} predicts by now, not {seen}: look again")
    first = project.deployments.filter(model=now).first()
    before = first and project.deployments.filter(pk__lt=first.pk).last()
    if now is None or before is None:
        raise ModelError(f"{project.key} has no earlier deployment to go back to")
    return deploy_model(model=before.model, reason=f"rolled back from {now.label}", actor=actor)


def deployed_model(project: Project) -> ModelVersion | None:
    latest = project.deployments.select_related("model").last()
    return latest.model if latest else None


def incumbent_teacher(project: Project) -> ModelVersion | None:
    """The latest teacher that passed its gate."""
    return project.models.filter(kind=ModelKind.TEACHER, accepted=True).order_by("id").last()


def find_model(project: Project, name: str) -> ModelVersion:
    """A model by label (t1, s2), id, or the words `deployed` and `teacher`. Raises ModelError listing what there is."""
    found: ModelVersion | None
    if name == "deployed":
        found = deployed_model(project)
    elif name == "teacher":
        found = incumbent_teacher(project)
    elif name.isdigit():
        found = project.models.filter(pk=int(name)).first()
    else:
        found = project.models.filter(label=name).first()
    if found is None:
        there = (
            ", ".join(project.models.order_by("id").values_list("label", flat=True)) or "none yet: run a round first"
        )
        raise ModelError(f"{project.key} has no model {name!r}; it has: {there}")
    return found


def warm_up(most: int = 2) -> None:
    """Load the students that were deployed last, so that whoever asks first need not wait. What fails is left cold."""
    newest = Deployment.objects.select_related("model").order_by("-pk")[: 10 * most]
    for onnx in list(dict.fromkeys(row.model.onnx for row in newest))[:most]:
        with contextlib.suppress(OSError, ValueError):
            models_zoo.warm(onnx)
