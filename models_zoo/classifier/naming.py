"""Cells of fields to classes, whatever runs the network. Imports neither torch nor onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from models_zoo.classifier.crops import boxes_of, cut, picture_of
from models_zoo.detections import Detections, Floats, nothing
from models_zoo.images import Pixels
from models_zoo.records import DetectRequest

BATCH = 64


class Named(NamedTuple):
    """`scores` (n, classes), each row adding up to 1; `features` (n, d)."""

    scores: Floats
    features: Floats


Namer = Callable[[list[Pixels]], Named]


def name_cells(
    namer: Namer, card: Mapping[str, Any], request: DetectRequest, report: Callable[[int, int], None] | None = None
) -> dict[str, Detections]:
    """Every target of the request's fields with the classes that `namer` gives it."""
    side, margin = int(card["tile"]), float(card["parameters"]["margin"])
    found: dict[str, Detections] = {}
    for done, record in enumerate(request.fields, 1):
        boxes = boxes_of(record)
        image = picture_of(record)
        parts = [
            namer([cut(image, box, side, margin) for box in boxes[start : start + BATCH]])
            for start in range(0, len(boxes), BATCH)
        ]
        scores, features = (np.concatenate(column) for column in zip(*parts, strict=True))
        width = features.shape[1] if request.features else 0
        found[record.key] = Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, features[:, :width])
        if report is not None:
            report(done, len(request.fields))
    return found


def unnamed(card: Mapping[str, Any]) -> Detections:
    return nothing(len(card["classes"]))
