"""How good a classifier is on single cells, in numpy alone: accuracy, each class, what was taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_zoo.metrics.thresholds import rates


@dataclass(frozen=True, slots=True)
class CellReport:
    """`per_class`: cells, precision, recall and F1 of each class; `macro` their means over the classes with cells (a
    class that is never said counts with a precision of 0). `confusion[i][j]`: cells of class i taken for class j."""

    cells: int
    accuracy: float | None
    macro: dict[str, float | None]
    per_class: dict[str, dict[str, float | int | None]]
    confusion: list[list[int]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge_cells(labels: NDArray[np.integer], scores: NDArray[np.floating], classes: Sequence[str]) -> CellReport:
    """`labels` (n,) true class indices, `scores` (n, classes)."""
    count = len(classes)
    if scores.shape != (len(labels), count):
        raise ValueError(f"scores of shape {scores.shape} do not fit {len(labels)} cells of {count} classes")
    said = scores.argmax(1) if len(labels) else np.zeros(0, np.intp)
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (np.asarray(labels, np.intp), said), 1)
    right, true = np.diag(table).astype(np.float64), table.sum(1).astype(np.float64)
    precision, recall, f1 = rates(right, table.sum(0) - right, true)
    columns = {"precision": precision, "recall": recall, "f1": f1}
    present = true > 0
    macro = {
        name: float(np.nan_to_num(values)[present].mean()) if present.any() else None
        for name, values in columns.items()
    }
    per_class = {
        name: {"cells": int(true[i]), **{key: _known(values[i]) for key, values in columns.items()}}
        for i, name in enumerate(classes)
    }
    accuracy = float(right.sum() / true.sum()) if len(labels) else None
    return CellReport(len(labels), accuracy, macro, per_class, table.tolist())


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
