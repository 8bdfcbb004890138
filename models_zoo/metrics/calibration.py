"""Whether a score of 0.8 means right in 8 of 10 cases, and a map that makes it so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_zoo.metrics.rule import Bools, Floats

LOWEST_CALIBRATED = 0.05
FEWEST = 30
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Bin:
    """Detections with a score from `low` to `high` (the upper bound belongs to the last bin alone)."""

    low: float
    high: float
    detections: int
    confidence: float | None
    precision: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """`d_ece` = sum over bins of n_b / N * |precision_b - confidence_b|; None without detections.

    The detection expected calibration error of Kueppers 2020 (Multivariate Confidence Calibration for Object
    Detection), over the score alone, not over place and size. Detections below `min_score` are left out.
    """

    d_ece: float | None
    min_score: float
    detections: int
    bins: list[Bin]


def reliability(scores: Floats, correct: Bools, *, min_score: float = LOWEST_CALIBRATED, bins: int = 10) -> Calibration:
    """Sort detections into `bins` of equal width over 0..1. `scores` (n,), `correct` (n,)."""
    shown = scores >= min_score
    scores, correct = scores[shown], correct[shown]
    place = np.minimum((scores * bins).astype(np.intp), bins - 1)
    number, total, right = (np.bincount(place, weight, bins) for weight in (None, scores, correct))
    rows = [
        Bin(b / bins, (b + 1) / bins, int(n), float(total[b] / n) if n else None, float(right[b] / n) if n else None)
        for b, n in enumerate(number)
    ]
    error = float(np.abs(right - total).sum() / len(scores)) if len(scores) else None
    return Calibration(error, min_score, len(scores), rows)


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Maps a score p to sigmoid(slope * logit(p) + intercept): never turns the order of scores round (slope > 0)."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, scores: NDArray[np.floating]) -> Floats:
        """Calibrated scores of the same shape; scores of 0 and 1 count as 1e-6 and 1 - 1e-6."""
        if self == Calibrator():
            return np.asarray(scores, np.float64)
        return _sigmoid(self.slope * _logit(scores) + self.intercept)


def fit_calibrator(scores: NDArray[np.floating], correct: NDArray[np.bool_]) -> Calibrator:
    """Logistic regression of `correct` (n,) on the logit of `scores` (n,) (Platt 1999, over logits).

    Newton's method on the log loss plus a small ridge that draws towards the identity, which keeps it finite where a
    score separates right from wrong. The identity is returned for fewer than 30 detections, where all are right or all
    wrong, and where higher scores would mean lower precision.
    """
    right = np.asarray(correct, np.float64)
    if len(right) < FEWEST or right.min() == right.max():
        return Calibrator()
    design = np.stack([_logit(scores), np.ones(len(right))], 1)
    identity = np.array([1.0, 0.0])
    answer, loss = identity, _loss(design, right, identity)
    for _ in range(100):
        shown = _sigmoid(design @ answer)
        slope = design.T @ (shown - right) + _RIDGE * (answer - identity)
        curvature = design.T @ (design * (shown * (1 - shown))[:, None]) + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        answer, gain = _shorter(design, right, answer, step, loss)
        loss -= gain
        if gain < 1e-10 * len(right):
            break
    return Calibrator(float(answer[0]), float(answer[1])) if answer[0] > 0 else Calibrator()


def _shorter(design: Floats, right: Floats, answer: Floats, step: Floats, loss: float) -> tuple[Floats, float]:
    """Go along `step`, halved until the loss falls; return the new answer and by how much the loss fell."""
    for _ in range(40):
        gain = loss - _loss(design, right, answer - step)
        if gain >= 0:
            return answer - step, gain
        step = step / 2
    return answer, 0.0


def _loss(design: Floats, right: Floats, answer: Floats) -> float:
    """Negative log likelihood plus ridge / 2 * squared distance from the identity."""
    z = design @ answer
    ridge = _RIDGE / 2 * ((answer[0] - 1) ** 2 + answer[1] ** 2)
    return float(np.logaddexp(0, z).sum() - right @ z + ridge)


def _logit(scores: NDArray[np.floating]) -> Floats:
    inside = np.clip(np.asarray(scores, np.float64), 1e-6, 1 - 1e-6)
    return np.log(inside) - np.log1p(-inside)


def _sigmoid(z: Floats) -> Floats:
    return np.exp(-np.logaddexp(0, -z))
