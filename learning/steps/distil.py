"""The third step: the teacher's knowledge passes to a small student, which is deployed if it passes its gate.

The student learns from the experts' labels and from what the teacher is sure of on the pool, and imitates the
teacher's feature maps (ultralytics' own distillation) where both are YOLO networks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import models_zoo
from annotation.models import Field, Split
from learning.actions.models import deploy_model, deployed_model, register_model
from learning.exchange import plan_of, record_of_field, with_pseudo_labels
from learning.models import ModelKind, ModelVersion, Round
from learning.steps.context import Context
from learning.steps.judging import Judgement, judge_model
from learning.steps.looking import Looker, look, look_at_readings
from learning.steps.publishing import Publish
from learning.steps.training import Material, columns, gather, looker_of, request_for, run_training
from learning.weights import find_weights
from models_zoo import metrics
from models_zoo.records import FieldRecord

# A pseudo-label must be right this often on tuning; below the score where half are right it counts as background.
SURE, DOUBTFUL = 0.9, 0.5
# Without enough tuning cells to choose by, only what is beyond doubt is taken.
FALLBACK = (0.7, 0.2)
MIN_JUDGED = 30
CALIBRATED_FROM = 0.05


def perform(context: Context, teacher: ModelVersion) -> Publish:
    project, settings = context.project, context.settings
    material = replace_plan(gather(context, project), teacher)
    labelled = material.records(Split.TRAINING)
    pseudo = pseudo_labelled(context, material, teacher, round(settings.pseudo * len(labelled)))
    start = find_weights(settings.student)
    request = request_for(
        context,
        material,
        settings.student,
        [*labelled, *pseudo],
        epochs=settings.student_epochs or settings.epochs,
        weights=start.file,
        weights_from=start.origin,
        teacher=teacher.weights if same_family(settings.student, teacher.variant) else None,
    )
    result = run_training(context, request)
    judgement = judge_model(
        looker_of(request, result, material),
        material.plan,
        material.readings,
        deployed_model(project),
        context.folder,
        context.device,
        context.counting("judging"),
        files=Path(result.weights).parent,
    )
    values = columns(ModelKind.STUDENT, request, result, material, judgement, settings, teacher)
    values["card"]["pseudo_labelled_fields"] = len(pseudo)
    return lambda: _publish(context, Path(result.weights).parent, values, judgement)


def _publish(context: Context, files: Path, values: dict[str, Any], judgement: Judgement) -> dict[str, Any]:
    model = register_model(project=context.project, kind=ModelKind.STUDENT, files=files, **values)
    reason = judgement.verdict.reason
    if model.accepted:
        deploy_model(model=model, reason=reason, actor=None)
    if context.round is not None:
        Round.objects.filter(pk=context.round.pk).update(student=model, deployed=model.accepted, reason=reason)
        context.round.refresh_from_db()
    return {"model": model.label, "reason": reason, "accepted": model.accepted}


def replace_plan(material: Material, teacher: ModelVersion) -> Material:
    """The student learns the very classes its teacher knows, at the same scale and shrink."""
    return replace(material, plan=plan_of(teacher), working=Looker.of(teacher).working, shrink=teacher.shrink)


def same_family(student: str, teacher: str) -> bool:
    """Feature distillation pairs the maps of two networks of one family; others teach by pseudo-labels alone."""
    return models_zoo.spec(student).family == models_zoo.spec(teacher).family == "yolo"


def pseudo_labelled(context: Context, material: Material, teacher: ModelVersion, most: int) -> list[FieldRecord]:
    """At most `most` pool fields, drawn at random, labelled by the teacher; none where the pool is empty."""
    fields = list(Field.objects.filter(project=context.project).pool().select_related("case").order_by("pk"))
    chosen = random.Random(context.settings.seed).sample(fields, min(most, len(fields)))
    looker = Looker.of(teacher)
    records = [record_of_field(field, looker.working) for field in chosen]
    out = context.folder / "pool.npz"
    found = look(looker, records, out, context.device, context.counting("pseudo-labelling"), min_score=CALIBRATED_FROM)
    keep, doubt = sure_scores(material, teacher, context)
    return [with_pseudo_labels(record, found[record.key], keep, doubt, material.weak) for record in records]


def sure_scores(material: Material, teacher: ModelVersion, context: Context) -> tuple[float, float]:
    """The scores above which SURE, and DOUBTFUL, of the teacher's detections on tuning are right."""
    tuning = material.of(Split.TUNING)
    looker = Looker.of(teacher)
    out = context.folder / "tuning-teacher.npz"
    truths, found = look_at_readings(looker, tuning, material.plan, out, context.device)
    scores, right = metrics.judged(truths, found, material.plan.names)
    return _scores_for(scores, right)


def _scores_for(scores: Sequence[float] | np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> tuple[float, float]:
    if len(scores) < MIN_JUDGED:
        return FALLBACK
    order = np.argsort(-np.asarray(scores), kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    ordered = np.asarray(scores)[order]
    sure = ordered[precision >= SURE]
    doubtful = ordered[precision >= DOUBTFUL]
    keep = float(sure.min()) if len(sure) else 1.01
    return keep, min(keep, float(doubtful.min()) if len(doubtful) else keep)
