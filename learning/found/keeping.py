"""From what a model found on labelled fields to the tables that are kept with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from uuid import UUID

import numpy as np

from annotation.actions.snapshots import FrozenReading
from learning import faults
from learning.exchange import ClassPlan, truth_of
from learning.found.tables import (
    BACKGROUND,
    DETECTION,
    FIELD,
    LABEL,
    NEAR,
    NONE,
    SPLITS,
    About,
    Found,
    Rows,
)
from models_zoo.detections import Detections
from models_zoo.metrics.matching import LOWEST_SCORE, MOST_DETECTIONS, lay_out
from models_zoo.metrics.rule import Rule, overlaps

# In training fields only what could be a fault of a label is kept: nothing is measured there.
LEAST_IN_TRAINING = 0.05


def keep_found(
    readings: Sequence[FrozenReading], found: Mapping[str, Detections], plan: ClassPlan, about: About, folder: Path
) -> Found:
    """Write what was `found` (by field id) on `readings` into the model's `folder`."""
    cases = {name: number for number, name in enumerate(sorted({reading.case for reading in readings} - {""}))}
    usual = _usual_sizes(readings)
    fields, labels, detections = np.zeros(len(readings) + 1, FIELD), [], []
    starts = [0, 0]
    for row, reading in enumerate(readings):
        own = _labels(reading, plan, usual)
        seen = _detections(reading, own, found[str(reading.field)], plan, starts[0])
        case = cases.get(reading.case, NONE)
        fields[row] = (reading.field, reading.reading, SPLITS.index(reading.split), case, *starts)
        labels.append(own)
        detections.append(seen)
        starts = [starts[0] + len(own), starts[1] + len(seen)]
    fields[-1] = (NONE, NONE, 0, NONE, *starts)
    kept = Found(about, fields, _joined(labels, LABEL), _joined(detections, DETECTION))
    kept.save(folder)
    return kept


def _joined(parts: Sequence[Rows], kind: np.dtype[np.void]) -> Rows:
    return np.concatenate([np.zeros(0, kind), *parts])


def _usual_sizes(readings: Sequence[FrozenReading]) -> dict[int, float]:
    """The median size (a quarter of width + height) of the cells of each class number."""
    sizes: dict[int, list[float]] = {}
    for reading in readings:
        for cell in reading.cells:
            sizes.setdefault(cell.number, []).append(faults.size_of(cell.shape.bounds))
    return {number: median(values) for number, values in sizes.items()}


def _labels(reading: FrozenReading, plan: ClassPlan, usual: Mapping[int, float]) -> Rows:
    rows = np.zeros(len(reading.cells), LABEL)
    for row, cell in zip(rows, reading.cells, strict=True):
        output = plan.output[cell.number]
        row["uuid"] = UUID(cell.uuid).bytes
        row["box"] = cell.shape.bounds
        row["number"] = cell.number
        row["output"] = BACKGROUND if output is None else output
        row["clear"] = faults.clearness(cell.shape.bounds, reading.width, reading.height, usual[cell.number])
    return rows


def _detections(reading: FrozenReading, labels: Rows, found: Detections, plan: ClassPlan, first: int) -> Rows:
    """The rows of one field; fills `best` of its labels, whose rows begin at `first` in the whole table."""
    order = np.argsort(-found.top, kind="stable")
    order = order[found.top[order] >= (LEAST_IN_TRAINING if reading.split == "training" else LOWEST_SCORE)]
    found = found[order[:MOST_DETECTIONS]]
    rows = np.zeros(len(found), DETECTION)
    rows["box"], rows["score"], rows["output"] = found.boxes, found.top, found.labels
    key = str(reading.field)
    rule = Rule()
    layout = lay_out({key: truth_of(reading, plan)}, {key: found}, rule, len(plan.names))
    matches = layout.matches(rule.least, any_class=True)
    rows["counted"] = layout.counted(matches, rule.least)
    claimed = np.flatnonzero(labels["output"] >= 0)
    matched = np.flatnonzero(matches >= 0)
    stands_for = claimed[matches[matched]]
    rows["match"] = NONE
    rows["match"][matched] = first + stands_for
    rows["said"][matched] = found.scores[matched, labels["output"][stands_for]]
    rows["near"] = NONE
    if len(labels) and len(rows):
        common = overlaps(rows["box"].astype(np.float64), labels["box"].astype(np.float64))
        closest = common.argmax(1)
        rows["near"] = np.where(common.max(1) >= NEAR, first + closest, NONE)
        labels["best"] = np.where(common >= NEAR, rows["score"][:, None], 0).max(0)
    return rows
