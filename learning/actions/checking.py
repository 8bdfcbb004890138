"""How many predictions are right, where labels were kept aside: for the demo and for simulated studies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from annotation.models import Field, Prediction, Reading, ReadingState, Source
from learning.exchange import plan_of
from learning.models import ModelVersion
from models_zoo import metrics
from models_zoo.detections import Detections, nothing
from models_zoo.metrics import Truth


def count_right(model: ModelVersion, fields: Sequence[Field]) -> tuple[int, int]:
    """(right, shown): predictions of `model` at or above its threshold on `fields`, and how many of them cover a
    cell of the oracle labels (IoU at least 0.5, one to one) with its class. Fields without such labels are left out."""
    plan = plan_of(model)
    truths: dict[str, Truth] = {}
    found: dict[str, Detections] = {}
    for field in fields:
        sealed = field.readings.filter(source=Source.ORACLE, state=ReadingState.SEALED).last()
        if sealed is not None:
            truths[str(field.pk)] = _truth(sealed, plan.output)
            found[str(field.pk)] = _shown(model, field, plan.numbers)
    if not truths:
        return 0, 0
    _, right = metrics.judged(truths, found, plan.names, min_score=model.threshold)
    return int(right.sum()), len(right)


def _truth(reading: Reading, output: dict[int, int | None]) -> Truth:
    rows = [
        ((cell.x0, cell.y0, cell.x1, cell.y1), place)
        for cell in reading.cells.alive().select_related("cell_class")
        for place in [output[cell.cell_class.number]]
        if place is not None
    ]
    boxes = np.array([box for box, _ in rows], np.float64).reshape(-1, 4)
    return Truth(boxes, np.array([place for _, place in rows], np.int64))


def _shown(model: ModelVersion, field: Field, numbers: Sequence[int]) -> Detections:
    rows = list(
        Prediction.objects.filter(field=field, model_id=model.pk, score__gte=model.threshold).select_related(
            "cell_class"
        )
    )
    if not rows:
        return nothing(len(numbers))
    scores = np.zeros((len(rows), len(numbers)), np.float32)
    for row, item in zip(scores, rows, strict=True):
        row[numbers.index(item.cell_class.number)] = item.score
    boxes = np.array([item.shape.bounds for item in rows], np.float32)
    return Detections(boxes, scores, np.zeros((len(rows), 0), np.float32))
