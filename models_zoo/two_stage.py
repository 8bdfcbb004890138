"""Detection stops at `cell`, the class comes from the crop: any detector with a classifier behind it, as one model.

Gräbel 2021 (discussion): "a separation between detection and classification can yield sufficient results".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from models_zoo import detections, registry
from models_zoo.detections import Detections
from models_zoo.records import DetectRequest, Target


def detect(
    detector: DetectRequest, classifier: DetectRequest, report: Callable[[int, int], None] | None = None
) -> dict[str, Detections]:
    """What `detector` finds on its fields, named by `classifier`: as every detector answers, saved to detector.out.

    `classifier` says model, variant and device; its fields are not looked at. A detection's score for class c is

        score_c = (highest score of the detector) x (probability of c given the crop)

    so that of two equally sure cells the one that is named more surely comes first.
    """
    found: dict[str, Detections] = registry.call("detect", detector, report=report)
    combined = refine(detector, classifier, found)
    detections.save(Path(detector.out), combined)
    return combined


def refine(detector: DetectRequest, classifier: DetectRequest, found: dict[str, Detections]) -> dict[str, Detections]:
    """`found` on the fields of `detector`, with the classes of `classifier` in place of its own."""
    fields = tuple(
        replace(record, targets=tuple(Target("box", _points(box), 0) for box in found[record.key].boxes))
        for record in detector.fields
        if len(found[record.key])
    )
    request = replace(classifier, fields=fields, out=f"{detector.out}.named.npz")
    named = _named(request)
    width = next((item.scores.shape[1] for item in named.values()), 0)
    return {
        key: Detections(item.boxes, item.top[:, None] * named[key].scores, item.features)
        if key in named
        else Detections(item.boxes, np.zeros((0, width), np.float32), item.features)
        for key, item in found.items()
    }


def _named(request: DetectRequest) -> dict[str, Detections]:
    if not request.fields:
        return {}
    if request.model.endswith(".onnx"):
        from models_zoo.classifier import runtime

        return runtime.detect_fields(request)
    answer: dict[str, Detections] = registry.call("detect", request)
    Path(request.out).unlink(missing_ok=True)
    return answer


def _points(box: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in box)
