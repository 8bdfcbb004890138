"""Looking at fields with a trained model, and judging what it found against labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import models_zoo
from annotation.actions.snapshots import FrozenReading
from learning.exchange import ClassPlan, Working, record_of_reading, truth_of
from learning.models import ModelVersion
from models_zoo.detections import Detections
from models_zoo.metrics import Truth
from models_zoo.records import DetectRequest, FieldRecord

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Looker:
    """A model that can be asked: its files, and what must be known to use it."""

    weights: Path
    onnx: Path
    variant: str
    tile: int
    shrink: float
    numbers: tuple[int, ...]
    working: Working

    @classmethod
    def of(cls, model: ModelVersion) -> Looker:
        working = Working(model.card["cell_px"], model.card["median_px"], model.card["fill_px"])
        numbers = tuple(int(number) for number in model.classes)
        return cls(model.weights, model.onnx, model.variant, model.tile, model.shrink, numbers, working)

    def file_for(self, device: str) -> Path:
        """A CPU runs the ONNX file; a GPU, and a family that has no such form, the weights."""
        return self.onnx if device == "cpu" and self.variant in models_zoo.students() else self.weights


def look(
    looker: Looker,
    records: Sequence[FieldRecord],
    out: Path,
    device: str,
    report: Report | None = None,
    *,
    features: bool = False,
    min_score: float = 0.001,
) -> dict[str, Detections]:
    """What the model finds on `records`, by their keys; also left in the file `out`.

    A CPU runs the ONNX file, three times faster there than torch; a GPU, and a family without such a form, the weights.
    """
    if not records:
        return {}
    request = DetectRequest(
        model=str(looker.file_for(device)),
        variant=looker.variant,
        fields=tuple(records),
        out=str(out),
        tile=looker.tile,
        shrink=looker.shrink,
        device=device,
        features=features,
        min_score=min_score,
    )
    found: dict[str, Detections] = models_zoo.call("detect", request, report=report)
    return found


def look_at_readings(
    looker: Looker,
    readings: Sequence[FrozenReading],
    plan: ClassPlan,
    out: Path,
    device: str,
    report: Report | None = None,
    *,
    min_score: float = 0.001,
) -> tuple[dict[str, Truth], dict[str, Detections]]:
    """Truth and detections of labelled fields, both by field key: what the metrics take."""
    records = [replace(record_of_reading(reading, plan, looker.working), targets=()) for reading in readings]
    truths = {str(reading.field): truth_of(reading, plan) for reading in readings}
    return truths, look(looker, records, out, device, report, min_score=min_score)


def found_cells(found: dict[str, Detections], threshold: float) -> int:
    return sum(int(np.count_nonzero(item.top >= threshold)) for item in found.values())
