"""Uncertainty weighted by what the training set still lacks: rare and badly recognised classes count more.

Weight of class c of C:

    share_c = (n_c + 5 C (q_c / 2 + 1 / (2 C))) / (sum n + 5 C)     q_c: share among the detections
    w_c     = clip( sqrt((1 / C) / share_c) * difficulty_c, 1/4, 4 )
    difficulty_c = 1 + 0.06 ln(1 + (e^(1/0.3) - 1)(1 - quality_c))   within [1, 1.2]

The share is the labelled one, smoothed towards what the detector sees in the pool, so that a project without labels
still knows what is rare. The difficulty is PPAL's (Yang et al., CVPR 2024), with quality measured on
the tuning split instead of inside the trainer; a class of unknown quality counts as a hard one. The bounds keep a
handful of labels from ruling the batch (the aim is that of class-balanced active learning, arXiv 2508.17849).

Value of a detection, with the weight w averaged over its two best classes in proportion to their scores:

    v = w u + 0.5 p1 max(0, w - 1) / 3

The second term is for rare cells that the detector is sure of: they carry no question, but they are examples that
training lacks (rareness times confidence: Sadafi et al., MICCAI 2019).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learning.strategies import batch, reasons
from learning.strategies.pool import Floats, Pool, Ranking
from learning.strategies.uncertainty import Readings, per_field, per_unit_of_cost, read, unsure_on

LOWEST, HIGHEST = 0.25, 4.0
PRIOR_CELLS = 5.0
EXAMPLE = 0.5
RARE_WEIGHT = 2.0
RARE_SCORE = 0.3


@dataclass(frozen=True, slots=True)
class Worth:
    """`weights` (C,) of the classes, `values` (M,) of the detections, `scores` (N,) of the fields."""

    readings: Readings
    weights: Floats
    values: Floats
    scores: NDArray[np.float64]


def rank(pool: Pool) -> Ranking:
    """The usable fields of highest uncertainty x class rarity, at most a third of them from one slide."""
    worth = appraise(pool)
    chosen = batch.take(pool, batch.by_score(pool, worth.scores), batch.size(pool), batch.slide_cap(pool.budget))
    return batch.ranking(pool, chosen, worth.scores, lambda field: why(pool, worth, field))


def appraise(pool: Pool) -> Worth:
    """What every detection and every field of the pool is worth."""
    readings = read(pool)
    weights = class_weights(pool, readings)
    values = detection_values(readings, weights)
    return Worth(readings, weights, values, per_unit_of_cost(pool, per_field(pool, values)))


def predicted_share(pool: Pool, readings: Readings) -> NDArray[np.float64]:
    """(C,) share of each class among the detections, each counted by its score; even where nothing was found."""
    classes = len(pool.classes)
    mass = np.bincount(readings.label, weights=readings.top * readings.kept, minlength=classes)[:classes]
    total = mass.sum()
    return np.asarray(mass / total if total > 0 else np.full(classes, 1 / max(classes, 1)), np.float64)


def class_weights(pool: Pool, readings: Readings) -> Floats:
    """(C,) `w_c` (see the head of this file)."""
    classes = max(len(pool.classes), 1)
    counts = np.maximum(pool.class_counts, 0).astype(np.float64)
    prior = PRIOR_CELLS * classes
    share = (counts + prior * (predicted_share(pool, readings) + 1 / classes) / 2) / (counts.sum() + prior)
    weights = np.sqrt(1 / (classes * share)) * difficulty(pool.class_quality)
    return np.asarray(np.clip(weights, LOWEST, HIGHEST), np.float32)


def difficulty(quality: Floats) -> NDArray[np.float64]:
    """(C,) PPAL's weight of a class in 1..1.2, from its AP or F1; NaN (not known) counts as 0."""
    lack = 1 - np.clip(np.nan_to_num(quality.astype(np.float64), nan=0.0), 0, 1)
    return np.asarray(1 + 0.3 * 0.2 * np.log1p((np.exp(1 / 0.3) - 1) * lack), np.float64)


def detection_values(readings: Readings, weights: Floats) -> Floats:
    """(M,) `v` of each detection; 0 for those left out."""
    if not len(weights):
        return readings.unsure
    both = np.maximum(readings.top + readings.second, np.float32(1e-7))
    weight = weights[readings.label] * readings.top
    weight += weights[readings.second_label] * readings.second
    weight /= both
    values = weight * readings.unsure
    weight -= 1
    values += np.float32(EXAMPLE / (HIGHEST - 1)) * readings.top * np.maximum(weight, 0) * readings.kept
    return values


def why(pool: Pool, worth: Worth, field: int) -> str:
    """The sentence for a field: its rare cells where these made its score, otherwise its hardest question."""
    start, stop = int(pool.starts[field]), int(pool.starts[field + 1])
    readings = worth.readings
    labels, sure = readings.label[start:stop], readings.top[start:stop] >= RARE_SCORE
    rare = sure & readings.kept[start:stop] & (worth.weights[labels] >= RARE_WEIGHT)
    if rare.any() and rare[int(np.argmax(worth.values[start:stop]))]:
        names = Counter(pool.classes[label] for label in labels[rare])
        return reasons.rare(int(rare.sum()), tuple(name for name, _ in names.most_common(3)))
    return reasons.sentence(unsure_on(pool, readings, field))
