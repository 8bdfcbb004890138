"""Filling a strategy's `Pool` from rows and detections, and turning its answer into fields that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.actions.batches import Asked
from annotation.models import Cell, Field, Project, Split
from learning import strategies
from learning.exchange import Working, record_of_field, scale_of
from learning.models import ModelVersion
from learning.steps.context import Context
from learning.steps.looking import Looker, look
from learning.steps.quality import faults_of, groups_of
from learning.strategies import Pool, Ranking
from learning.weights import STARTER, STARTER_TILE, starter_onnx, starter_weights
from models_zoo.detections import Detections, nothing
from models_zoo.metrics import Calibrator

# The detections of a field that ranking looks at: those that could be something, the best of them.
WORTH_RANKING = 0.05
MOST_PER_FIELD = 150
# Labelled fields whose embeddings stand for what is known already; more than this many say nothing new.
MOST_LABELLED = 2_000
SEED = 17


@dataclass(frozen=True)
class Eyes:
    """Who looks at the pool, with what it may claim: no classes at a cold start, only features."""

    looker: Looker | None
    classes: tuple[str, ...]
    calibrator: Calibrator
    quality: NDArray[np.float32]


def rank_pool(context: Context, model: ModelVersion | None) -> tuple[list[Asked], list[dict[str, Any]], str]:
    """The batch, what was set aside (for people to check), and the strategy that was used in the end."""
    fields = list(Field.objects.filter(project=context.project).pool().select_related("case", "slide").order_by("pk"))
    eyes = _eyes(context, model)
    strategy = context.settings.strategy
    if model is None and strategy not in {"random", "coverage"}:
        strategy = "coverage"
    ranking = strategies.strategy(strategy)(_pool(context, fields, eyes, model))
    by_key = {str(field.pk): field for field in fields}
    asked = [Asked(by_key[choice.key], float(choice.score), choice.reason) for choice in ranking.choices]
    return asked, _aside(ranking, by_key), strategy


def _aside(ranking: Ranking, by_key: dict[str, Field]) -> list[dict[str, Any]]:
    return [{"field": by_key[choice.key].public_name, "reason": choice.reason} for choice in ranking.set_aside]


def _eyes(context: Context, model: ModelVersion | None) -> Eyes:
    if model is None:
        return Eyes(_starter(context), (), Calibrator(), np.zeros(0, np.float32))
    per_class = model.metrics.get("tuning", {}).get("per_class", {})
    names: list[str] = model.card["classes"]
    quality = [per_class.get(name, {}).get("ap50") for name in names]
    return Eyes(
        Looker.of(model),
        tuple(names),
        Calibrator(**model.calibration),
        np.array([np.nan if value is None else value for value in quality], np.float32),
    )


def _starter(context: Context) -> Looker | None:
    """The starter detector as a source of features; None where there are no starter weights."""
    weights, onnx = starter_weights(STARTER), starter_onnx()
    if weights is None or onnx is None:
        return None
    return Looker(weights, onnx, STARTER, STARTER_TILE, 1.0, (), Working(context.project.cell_px, None))


def _pool(context: Context, fields: Sequence[Field], eyes: Eyes, model: ModelVersion | None) -> Pool:
    found = _look(context, fields, eyes, "pool")
    labelled = _labelled_fields(context.project)
    known = _look(context, labelled, eyes, "labelled")
    width = next((item.features.shape[1] for item in [*found.values(), *known.values()]), 0)
    parts = [_worth(found.get(str(field.pk), nothing(len(eyes.classes), width)), eyes) for field in fields]
    counts = _class_counts(context.project, model)
    return Pool(
        classes=_class_names(context.project, eyes.classes),
        keys=tuple(str(field.pk) for field in fields),
        slide=groups_of(fields),
        quality=faults_of(fields, labelled, context.counting("checking pictures")),
        embedding=_embeddings([found.get(str(field.pk)) for field in fields], width),
        field=np.repeat(np.arange(len(fields)), [len(part) for part in parts]).astype(np.int64),
        scores=_stack([part.scores for part in parts], len(eyes.classes)),
        features=_stack([part.features for part in parts], width),
        boxes=_stack([part.boxes * _scale(eyes, field) for part, field in zip(parts, fields, strict=True)], 4),
        class_counts=np.array([counts.get(name, 0) for name in eyes.classes], np.int64),
        class_quality=eyes.quality,
        labelled_embedding=_embeddings([known.get(str(field.pk)) for field in labelled], width),
        budget=context.settings.budget,
        seed=context.settings.seed,
    )


def _class_names(project: Project, keys: Sequence[str]) -> tuple[str, ...]:
    """What people call the classes, as it stands in a sentence: a reason is read by those who label."""
    names = dict(project.classes.filter(key__in=keys).values_list("key", "name"))
    return tuple(_within_sentence(names.get(key, key)) for key in keys)


def _within_sentence(name: str) -> str:
    """Segmented neutrophil becomes segmented neutrophil; NK cell stays."""
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def _look(context: Context, fields: Sequence[Field], eyes: Eyes, name: str) -> dict[str, Detections]:
    if eyes.looker is None:
        return {}
    records = [record_of_field(field, eyes.looker.working) for field in fields]
    out = context.folder / f"{name}.npz"
    report = context.counting(f"looking at the {name} fields")
    return look(
        eyes.looker,
        records,
        out,
        context.device,
        report,
        features=True,
        min_score=WORTH_RANKING if eyes.classes else 0.01,
    )


def _worth(found: Detections, eyes: Eyes) -> Detections:
    """The best detections with calibrated scores; at a cold start none, because the classes are not the project's."""
    if not eyes.classes:
        return nothing(0, found.features.shape[1])
    best = found[np.argsort(-found.top, kind="stable")[:MOST_PER_FIELD]]
    return Detections(best.boxes, eyes.calibrator(best.scores).astype(np.float32), best.features)


def _embeddings(found: Sequence[Detections | None], width: int) -> NDArray[np.float32]:
    """(n, width): the mean of a field's detections' features weighted by score, of length 1; zeros without any."""
    rows = np.zeros((len(found), width), np.float32)
    for row, item in zip(rows, found, strict=True):
        if item is not None and len(item):
            row[:] = item.top @ item.features
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-12), np.float32)


def _stack(parts: Sequence[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    return np.concatenate([np.zeros((0, width), np.float32), *parts]).astype(np.float32)


def _scale(eyes: Eyes, field: Field) -> np.float32:
    return np.float32(
        scale_of(eyes.looker.working, field.um_per_px, max(field.width, field.height)) if eyes.looker else 1.0
    )


def _labelled_fields(project: Project) -> list[Field]:
    labelled = Field.objects.filter(project=project, split=Split.TRAINING).labelled().select_related("case", "slide")
    fields = list(labelled.order_by("pk"))
    if len(fields) <= MOST_LABELLED:
        return fields
    chosen = np.random.default_rng(SEED).choice(len(fields), MOST_LABELLED, replace=False)
    return [fields[index] for index in sorted(chosen)]


def _class_counts(project: Project, model: ModelVersion | None) -> dict[str, int]:
    """Labelled training cells by the class of the model they count for."""
    if model is None:
        return {}
    class_map: dict[str, int | None] = model.card["class_map"]
    names: list[str] = model.card["classes"]
    counts: dict[str, int] = {}
    cells = Cell.objects.current().filter(project=project, reading__field__split=Split.TRAINING)
    for number in cells.values_list("cell_class__number", flat=True):
        output = class_map.get(str(number))
        if output is not None and output >= 0:
            counts[names[output]] = counts.get(names[output], 0) + 1
    return counts
