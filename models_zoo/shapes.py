"""Between the shapes people draw and the boxes detectors learn (METHODS section 1: circle to box).

A circle covers its cell generously, so its box is shrunk before training, else the boxes of neighbours overlap
and suppress each other. What a model trained so finds is enlarged by the inverse before anyone sees it.
`shrink` belongs to circles: pass 1.0 where a model was trained on boxes or contours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models_zoo.records import Target

Box = tuple[float, float, float, float]
F = TypeVar("F", bound=np.floating[Any])


def training_box(target: Target, shrink: float) -> Box:
    """The box x0, y0, x1, y1 in field pixels that a detector learns for `target`.

    Circle: the square of side 2 r shrink about its centre. Box: itself. Contour: its bounds.
    """
    points = target.points
    if target.kind == "circle":
        cx, cy, r = points
        half = r * _positive(shrink)
        return cx - half, cy - half, cx + half, cy + half
    if target.kind == "box":
        x0, y0, x1, y1 = points
        return x0, y0, x1, y1
    xs, ys = points[0::2], points[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def enlarge(boxes: NDArray[F], shrink: float) -> NDArray[F]:
    """`boxes` (n, 4) with both sides divided by `shrink` about their centres: the inverse of the shrinking."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / (2 * _positive(shrink))
    return np.concatenate([centre - half, centre + half], axis=1).astype(boxes.dtype, copy=False)


def as_circle(box: Sequence[float] | NDArray[np.floating[Any]]) -> tuple[float, float, float]:
    """The circle cx, cy, r about the centre of `box`; r is a quarter of width + height."""
    x0, y0, x1, y1 = (float(value) for value in box)
    return (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0 + y1 - y0) / 4


def _positive(shrink: float) -> float:
    if not shrink > 0:
        raise ValueError(f"the shrink factor must be positive, not {shrink}")
    return shrink
