"""Classifiers of single cells: trained on a project's labelled cells, measured, registered, found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from django.conf import settings as config
from django.db import transaction
from numpy.typing import NDArray

import models_zoo
from annotation.access import Actor, Permission, require
from annotation.actions.snapshots import read_snapshot, take_snapshot
from annotation.models import Field, Project, Snapshot, Split
from learning.actions.models import ModelError, put_in_place
from learning.exchange import Working, plan_classes, record_of_reading
from learning.found.judged import judged_cells, write_judged
from learning.models import Classifier
from models_zoo.classifier.judging import judge_cells
from models_zoo.records import DetectRequest, FieldRecord, Progress, TrainRequest

VARIANT = "classifier"


@dataclass(frozen=True, slots=True)
class Wish:
    """`side` of a crop in pixels; classes with fewer than `min_cells` training cells count as the one above them."""

    backbone: str = "resnet18"
    side: int = 224
    epochs: int = 20
    batch: int = 16
    patience: int = 5
    min_cells: int = 20
    seed: int = 0
    device: str = "cpu"


def train_classifier(
    *, project: Project, wish: Wish, scratch: Path, actor: Actor, report: Callable[[Progress], None] | None = None
) -> Classifier:
    """Train on all labelled cells of the training fields, keep the best epoch on validation, measure, register.

    It imports torch: for a command's process, never for the web. Raises ModelError where there are fewer than two
    classes to tell apart, ValueError for what the zoo refuses.
    """
    require(actor, project, Permission.RUN)
    fields = Field.objects.filter(project=project)
    snapshot = take_snapshot(project=project, purpose="training", fields=fields, actor=actor)
    readings = [reading for reading in read_snapshot(snapshot) if reading.cells]
    training = [reading for reading in readings if reading.split == Split.TRAINING]
    plan = plan_classes(project, training, min_cells=wish.min_cells, artefacts="own")
    if len(plan.numbers) < 2:
        raise ModelError(
            f"A classifier needs at least two classes with {wish.min_cells} labelled training cells each; "
            f"{project.key} has {len(plan.numbers)}. Label more, or ask for fewer with --min-cells."
        )
    working = Working(project.cell_px, None)
    parts = {split: [reading for reading in readings if reading.split == split] for split in Split.values}
    records = {
        split: tuple(record_of_reading(reading, plan, working) for reading in part) for split, part in parts.items()
    }
    request = TrainRequest(
        variant=VARIANT,
        classes=plan.names,
        training=records[Split.TRAINING],
        validation=records[Split.VALIDATION],
        out=str(scratch / "model"),
        tile=wish.side,
        epochs=wish.epochs,
        batch=wish.batch,
        seed=wish.seed,
        device=wish.device,
        patience=wish.patience,
        parameters={"backbone": wish.backbone},
    )
    result = models_zoo.call("train", request, report=report)
    files = Path(result.weights).parent
    metrics, kept = {}, {}
    for split in (Split.TUNING, Split.TEST):
        labels, scores = _look(files, records[split], wish, scratch / f"{split}.npz")
        if (labels >= 0).any():
            metrics[str(split)] = judge_cells(labels[labels >= 0], scores[labels >= 0], plan.names).as_dict()
            kept[str(split)] = judged_cells(parts[split], plan, labels, scores)
    write_judged(files, kept)
    card = _card(request, result, files, snapshot, plan.missing)
    return register_classifier(project=project, files=files, snapshot=snapshot, card=card, metrics=metrics)


def _look(
    files: Path, records: Sequence[FieldRecord], wish: Wish, out: Path
) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """The labels (n,) of all targets of `records`, -1 for no claim, and the scores for them (n, classes)."""
    taken = tuple(record for record in records if record.targets)
    labels = np.array([target.label for record in taken for target in record.targets], np.intp)
    if not (labels >= 0).any():
        return labels, np.zeros((len(labels), 1))
    asked = DetectRequest(
        model=str(files / "weights.pt"), fields=taken, out=str(out), tile=wish.side, device=wish.device, variant=VARIANT
    )
    found = models_zoo.call("detect", asked)
    return labels, np.concatenate([found[record.key].scores for record in taken])


def _card(
    request: TrainRequest, result: Any, files: Path, snapshot: Snapshot, rolled_up: dict[str, int]
) -> dict[str, Any]:
    return {
        "kind": VARIANT,
        "classes": list(request.classes),
        "rolled_up": rolled_up,
        "parameters": request.parameters,
        "tile": request.tile,
        "seed": request.seed,
        "cells_trained_on": result.tiles,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "curves": json.loads((files / "curves.json").read_bytes())["epochs"],
        "device": result.device,
        "notes": list(result.notes),
        "snapshot": snapshot.sha256,
        "notice": "For research use only. Not for use in diagnostic procedures.",
        "licence": "AGPL-3.0",
    }


@transaction.atomic
def register_classifier(
    *, project: Project, files: Path, snapshot: Snapshot, card: dict[str, Any], metrics: dict[str, Any]
) -> Classifier:
    """Give the classifier in the folder `files` its label and its place under MODELS_DIR, whole or not at all."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    labels = project.classifiers.values_list("label", flat=True)
    label = f"c{max((int(one[1:]) for one in labels), default=0) + 1}"
    sha256 = hashlib.sha256((files / "weights.pt").read_bytes()).hexdigest()
    folder = Path(project.key) / f"{label}-{sha256[:12]}"
    card = card | {"label": label}
    put_in_place(files, config.MODELS_DIR / folder, msgspec.json.format(msgspec.json.encode(card)), label)
    return Classifier.objects.create(
        project=project, label=label, snapshot=snapshot, folder=str(folder), sha256=sha256, card=card, metrics=metrics
    )


def newest_classifier(project: Project) -> Classifier | None:
    return project.classifiers.order_by("pk").last()
