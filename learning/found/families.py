"""One model by both matchings, from what was kept of its looking: the same rules for every family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from learning.found.comparing import found_on, truth_on
from learning.found.tables import SPLITS, Found
from models_zoo import metrics
from models_zoo.metrics import MatchKind

MATCHINGS: tuple[MatchKind, ...] = ("iou", "centre")
KEPT = ("ap50", "f1", "precision", "recall", "fields", "cases", "objects", "per_class", "curves")


@dataclass(frozen=True, slots=True)
class Measured:
    """Reports of metrics.evaluate by matching, at the model's own threshold and without intervals."""

    by_matching: dict[str, dict[str, Any]]

    def curve(self, matching: str) -> list[float]:
        """Precision at the recalls 0, 0.01 ... 1: the mean over the classes with truth; empty without any."""
        curves = list(self.by_matching[matching]["curves"].values())
        return [round(float(value), 4) for value in np.mean(curves, axis=0)] if curves else []


def measure(found: Found, split: str) -> Measured | None:
    """None where the model looked at no field of `split`."""
    rows = np.flatnonzero(found.fields["split"][:-1] == SPLITS.index(split))
    if not len(rows):
        return None
    names, own = found.about.names, np.arange(len(found.about.names))
    truths = {str(row): truth_on(found, int(row)) for row in rows}
    seen = {str(row): found_on(found, int(row), own, len(own)) for row in rows}
    reports = {
        kind: metrics.evaluate(truths, seen, names, match=kind, threshold=found.about.threshold, resamples=0).as_dict()
        for kind in MATCHINGS
    }
    return Measured({kind: {name: report[name] for name in KEPT} for kind, report in reports.items()})
