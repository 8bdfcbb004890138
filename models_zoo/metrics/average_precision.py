"""Average precision as COCO defines it: precision at 101 recall points, made monotone from the right (Lin 2014).

Pascal VOC since 2010 takes the area under the same monotone curve; the 101 points are COCO's sampling of it.
Cases carry weights (how often each counts), so that a bootstrap resample is only another row of weights.
"""

from __future__ import annotations

import numpy as np

from models_zoo.metrics.matching import Layout
from models_zoo.metrics.rule import Bools, Floats, Ints

RECALLS = np.linspace(0, 1, 101)
_CHUNK = 2_000_000


def precision_at_recalls(layout: Layout, matches: Ints, counted: Bools, weights: Floats) -> Floats:
    """(r, classes, 101) precision at each of RECALLS for each row of `weights` (r, cases); 0 beyond the reach.

    NaN where a class has no true cell in that row. `matches`: see `Layout.matches`; `counted`: see `Layout.counted`.
    """
    truths = weights @ layout.true_counts()
    curves = np.zeros((len(weights), layout.class_count, len(RECALLS)))
    curves[truths == 0] = np.nan
    by_class = np.lexsort((-layout.scores, layout.labels))
    by_class = by_class[counted[by_class]]
    borders = np.searchsorted(layout.labels[by_class], np.arange(layout.class_count + 1))
    for label in range(layout.class_count):
        members = by_class[borders[label] : borders[label + 1]]
        right = np.flatnonzero(matches[members] >= 0)
        step = max(1, _CHUNK // max(1, len(members)))
        for start in range(0, len(weights) if len(right) else 0, step):
            rows = slice(start, start + step)
            _fill(curves[rows, label], weights[rows][:, layout.cases[members]], right, truths[rows, label])
    return curves


def _fill(curves: Floats, weights: Floats, right: Ints, truths: Floats) -> None:
    """Write the curves (r, 101) of one class; `weights` (r, n) of its detections, of which numbers `right` are right.

    Precision peaks and recall moves at right detections alone, so that the others need only be counted.
    """
    hits = weights[:, right].cumsum(1)
    precision = hits / np.maximum(weights.cumsum(1)[:, right], 1)  # below 1 only before the first case that was drawn
    monotone = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    for row in np.flatnonzero(truths):
        at = np.searchsorted(hits[row] / truths[row], RECALLS)
        reached = at < len(right)
        curves[row, reached] = monotone[row, at[reached]]


def mean_over_classes(values: Floats) -> Floats:
    """Mean over the last axis of what is not NaN (classes with truth); NaN where nothing is left."""
    present = ~np.isnan(values)
    count = present.sum(-1)
    total = np.where(present, values, 0).sum(-1)
    result: Floats = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return result
