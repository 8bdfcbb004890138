"""How unsure the detector is, detection by detection and field by field.

Per detection, with p1 and p2 the two highest class scores:

    h = binary entropy of p1 in bits                          is it a cell at all?
    a = min(1, p1 + p2) * (1 - (p1 - p2) / (p1 + p2))         which of two classes is it?
    u = (h + a) / 2                                           in 0..1

`h` is the score of PPAL's code (Yang et al., CVPR 2024); `a` is the margin between the two best classes (margin
sampling, Scheffer et al. 2001), gated by the belief that there is a cell at all: with independent class scores two
zeros would otherwise look like the hardest question. Detections below 0.05, smaller than 6 working pixels or more
than five times longer than wide are left out, as in PPAL (which asks for 16 px of a larger picture).

Per field: the k = 8 highest values, each counting 0.8 of the one before, missing ones as zero. A sum over all
detections would favour crowded fields, a mean would hide one rare cell among sixty easy ones, a maximum would
chase a single speck of dirt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learning.strategies import batch
from learning.strategies.pool import Floats, Ints, Pool, Ranking
from learning.strategies.reasons import Unsure, sentence

MIN_SCORE = 0.05
MIN_SIDE = 6.0
MAX_ASPECT = 5.0
MOST = 8
DISCOUNT = 0.8
ROWS = 8192


@dataclass(frozen=True, slots=True)
class Readings:
    """What is made of each of M detections: best and second class with their scores, and the uncertainty.

    `unsure` is 0 where a detection is left out (see `kept`).
    """

    label: NDArray[np.int16]
    second_label: NDArray[np.int16]
    top: Floats
    second: Floats
    unsure: Floats
    kept: NDArray[np.bool_]


def rank(pool: Pool) -> Ranking:
    """The usable fields about which the detector is most unsure, at most a third of them from one slide."""
    readings = read(pool)
    scores = per_unit_of_cost(pool, per_field(pool, readings.unsure))
    chosen = batch.take(pool, batch.by_score(pool, scores), batch.size(pool), batch.slide_cap(pool.budget))
    return batch.ranking(pool, chosen, scores, lambda field: sentence(unsure_on(pool, readings, field)))


def read(pool: Pool) -> Readings:
    """Read all detections in blocks, so that beside the pool itself only a few numbers a detection are held."""
    found = len(pool.field)
    label, second_label = np.zeros(found, np.int16), np.zeros(found, np.int16)
    top, second, unsure = (np.zeros(found, np.float32) for _ in range(3))
    for start in range(0, found if pool.classes else 0, ROWS):
        part = slice(start, start + ROWS)
        scores = np.nan_to_num(pool.scores[part].astype(np.float32), copy=False, nan=0.0)
        label[part], top[part] = _take_best(scores)
        if len(pool.classes) > 1:
            second_label[part], second[part] = _take_best(scores)
        unsure[part] = doubt(top[part], second[part])
    kept = (top >= MIN_SCORE) & _plausible(pool)
    unsure[~kept] = 0
    return Readings(label, second_label, top, second, unsure, kept)


def doubt(top: Floats, second: Floats) -> Floats:
    """`u` of the two highest class scores (see the head of this file)."""
    p = np.clip(top, 1e-7, 1 - 1e-7)
    is_cell = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    both = np.maximum(top + second, np.float32(1e-7))
    which = np.minimum(both, 1) * (2 * second / both)
    return np.asarray((is_cell + which) / 2, np.float32)


def per_field(pool: Pool, values: Floats) -> NDArray[np.float64]:
    """(N,) discounted sum of each field's highest `values` (M,), all of them 0 or more."""
    result = np.zeros(len(pool.keys))
    highest = float(values.max(initial=0.0))
    if highest == 0:
        return result
    # One sort for all fields: whole part the field, fraction falling with the value.
    ordered = pool.field + (1 - values.astype(np.float64) / highest) * 0.999
    ordered.sort()
    count = np.diff(pool.starts)
    weight = (1 - DISCOUNT) / (1 - DISCOUNT**MOST)
    for place in range(MOST):
        has = np.flatnonzero(count > place)
        value = (1 - (ordered[pool.starts[has] + place] - has) / 0.999) * highest
        result[has] += weight * DISCOUNT**place * np.maximum(value, 0)
    return result


def per_unit_of_cost(pool: Pool, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores divided by the root of the expected cost over its median, within 1/2 and 2; untouched without costs.

    The root, because a dearer field also brings more labels than the eight that made its score.
    """
    if pool.expected_cost is None or not len(pool.usable):
        return scores
    median = float(np.median(pool.expected_cost[pool.usable]))
    if not median > 0:
        return scores
    return np.asarray(scores / np.clip(np.sqrt(np.maximum(pool.expected_cost, 0) / median), 0.5, 2.0), np.float64)


def unsure_on(pool: Pool, readings: Readings, field: int) -> Unsure | None:
    """The hardest question that a field asks, in words' raw material; None where nothing was found."""
    part = slice(int(pool.starts[field]), int(pool.starts[field + 1]))
    values = readings.unsure[part]
    if not values.max(initial=0.0) > 0:
        return None
    hardest = part.start + int(np.argmax(values))
    return Unsure(
        count=max(1, int(np.count_nonzero(values >= 0.5))),
        first=pool.classes[readings.label[hardest]],
        second=pool.classes[readings.second_label[hardest]],
        top=float(readings.top[hardest]),
        second_top=float(readings.second[hardest]),
    )


def _take_best(scores: Floats) -> tuple[Ints, Floats]:
    """The best class and score of each row; the place is then struck out, so that a second call gives the second."""
    rows = np.arange(len(scores))
    best = np.argmax(scores, axis=1)
    value = scores[rows, best]
    scores[rows, best] = -1
    return best, value


def _plausible(pool: Pool) -> NDArray[np.bool_]:
    """(M,) whether a box has the size and shape of a cell; true for all where boxes are not known."""
    if not len(pool.boxes):
        return np.ones(len(pool.field), bool)
    width, height = pool.boxes[:, 2] - pool.boxes[:, 0], pool.boxes[:, 3] - pool.boxes[:, 1]
    short, long = np.minimum(width, height), np.maximum(width, height)
    return np.asarray((short > 0) & (short * long >= MIN_SIDE**2) & (long <= MAX_ASPECT * short))
