"""How far a figure could move if other patients had come: resampling of cases (Efron 1979, percentile intervals).

Fields of one patient resemble each other, so cases are drawn with replacement, never fields. A resample is one row of
case weights; matching is not repeated. The macro mean runs over the classes with truth in that resample.
"""

from __future__ import annotations

import numpy as np

from models_zoo.metrics.average_precision import mean_over_classes, precision_at_recalls
from models_zoo.metrics.matching import Layout
from models_zoo.metrics.rule import Bools, Floats, Ints
from models_zoo.metrics.thresholds import Counts, rates

Interval = tuple[float, float]


def draws(case_count: int, resamples: int, seed: int) -> Floats:
    """(resamples, cases) how often each case was drawn; no rows where there are fewer than 2 cases."""
    if case_count < 2:
        return np.zeros((0, case_count))
    random = np.random.default_rng(seed)
    return random.multinomial(case_count, np.full(case_count, 1 / case_count), resamples).astype(np.float64)


def resampled_ap(layout: Layout, matches: Ints, counted: Bools, weights: Floats) -> Floats:
    """(r,) macro average precision of each row of `weights` (r, cases)."""
    return mean_over_classes(precision_at_recalls(layout, matches, counted, weights).mean(2))


def resampled_rates(counts: Counts, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """(r,) precision, recall and F1, pooled over classes, of each row of `weights` (r, cases)."""
    return rates(*(weights @ part.sum(1) for part in (counts.right, counts.wrong, counts.truths)))


def interval(values: Floats) -> Interval | None:
    """The 2.5th and 97.5th percentile; None where fewer than 2 resamples have a value."""
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
