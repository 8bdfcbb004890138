"""Circles as a hurried hand would draw them, made from exact contours (Gräbel 2021, METHODS section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models_zoo.lengths import Length, median_side
from models_zoo.records import FieldRecord, Target

# 3 px and 1 px at 63x are about 2 % and 0.7 % of a cell of that data, of which 55 px are a third (METHODS section 3).
CENTRE = Length(cells=0.02)
RADIUS = Length(cells=0.02 / 3)

Circle = tuple[float, float, float]


def enclosing_circle(points: NDArray[np.floating]) -> Circle:
    """The smallest circle cx, cy, r that holds `points` (n, 2), by Welzl's algorithm (1991), one by one.

    Raises ValueError without points.
    """
    if not len(points):
        raise ValueError("no points, no circle")
    shuffled = np.random.default_rng(0).permutation(np.unique(np.asarray(points, np.float64), axis=0))
    circle: Circle = (float(shuffled[0, 0]), float(shuffled[0, 1]), 0.0)
    for number, point in enumerate(shuffled):
        if _outside(circle, point):  # then it lies on the border of the circle round all up to it
            circle = _through_one(shuffled[:number], point)
    return circle


def _through_one(points: NDArray[np.float64], first: NDArray[np.float64]) -> Circle:
    """The smallest circle of all `points` that has the point `first` on its border."""
    circle: Circle = (float(first[0]), float(first[1]), 0.0)
    for number, point in enumerate(points):
        if _outside(circle, point):
            circle = _over(first, point)
            for third in points[:number]:
                if _outside(circle, third):
                    circle = _around(first, point, third)
    return circle


def _outside(circle: Circle, point: NDArray[np.float64]) -> bool:
    return bool(np.hypot(point[0] - circle[0], point[1] - circle[1]) > circle[2] * (1 + 1e-9) + 1e-9)


def _over(a: NDArray[np.float64], b: NDArray[np.float64]) -> Circle:
    middle = (a + b) / 2
    return float(middle[0]), float(middle[1]), float(np.hypot(*(a - b)) / 2)


def _around(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> Circle:
    """The circle through three points; through the two farthest apart where they lie on one line."""
    ab, ac = b - a, c - a
    cross = 2 * (ab[0] * ac[1] - ab[1] * ac[0])
    if abs(cross) < 1e-12:
        return max((_over(a, b), _over(a, c), _over(b, c)), key=lambda circle: circle[2])
    x = (ac[1] * (ab @ ab) - ab[1] * (ac @ ac)) / cross
    y = (ab[0] * (ac @ ac) - ac[0] * (ab @ ab)) / cross
    return float(a[0] + x), float(a[1] + y), float(np.hypot(x, y))


def weak_circle(
    points: NDArray[np.floating], chance: np.random.Generator, centre_sigma: float, radius_sigma: float
) -> Circle:
    """A circle as an annotator would draw it round the contour `points` (n, 2); sigmas in the same pixels.

        (cx, cy) = centre of the minimal enclosing circle + (dx, dy),   dx, dy ~ N(0, centre_sigma)
        r        = its radius + hypot(dx, dy) + N(0, radius_sigma)

    Gräbel 2021 dilates the radius "by the maximal displacement of the centre": whether that is the larger of |dx| and
    |dy| or their Euclidean length is not stated; the Euclidean length is taken, which covers the cell. The last draw
    may be negative; a radius is at least a tenth of the minimal one.
    """
    cx, cy, radius = enclosing_circle(points)
    dx, dy = chance.normal(0, centre_sigma, 2) if centre_sigma else (0.0, 0.0)
    grown = radius + float(np.hypot(dx, dy)) + (float(chance.normal(0, radius_sigma)) if radius_sigma else 0.0)
    return cx + float(dx), cy + float(dy), max(grown, radius / 10)


def weakened(
    records: Sequence[FieldRecord],
    seed: int,
    *,
    centre: Length = CENTRE,
    radius: Length = RADIUS,
    um_per_px: float | None = None,
) -> tuple[FieldRecord, ...]:
    """`records` with every contour replaced by a weak circle; circles and boxes stay, and so does what is unsure.

    The same seed and records give the same circles, field by field (a field's circles do not depend on the others but
    through the median side that lengths in cells are measured by).
    """
    side = median_side(target for record in records for target in record.targets)
    sigmas = (centre.in_px(um_per_px, side), radius.in_px(um_per_px, side)) if side else (0.0, 0.0)
    return tuple(_weakened(record, sigmas, _chance(seed, record.key)) for record in records)


def _chance(seed: int, key: str) -> np.random.Generator:
    return np.random.default_rng([seed, *key.encode()])


def _weakened(record: FieldRecord, sigmas: tuple[float, float], chance: np.random.Generator) -> FieldRecord:
    return replace(record, targets=tuple(_weak(target, sigmas, chance) for target in record.targets))


def _weak(target: Target, sigmas: tuple[float, float], chance: np.random.Generator) -> Target:
    if target.kind != "contour":
        return target
    points = np.array(target.points, np.float64).reshape(-1, 2)
    return Target("circle", weak_circle(points, chance, *sigmas), target.label)
