"""Circles as detections: how much two share, and one circle a cell (Gräbel 2021: circular RetinaNet).

A circle stands as the square around it, x0, y0, x1, y1, wherever boxes stand; of a box that is no square the circle is
shapes.as_circle. The arithmetic is written once for numpy and torch: `xp` is either of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_zoo.nms import Flags, Indices, Numbers, greedy

# Rows compared at once.
_CHUNK = 256


def circles_of(boxes: Any, xp: Any = np) -> Any:
    """(n, 3) centre x, y and radius, a quarter of width + height, of boxes (n, 4)."""
    radius = (boxes[:, 2] - boxes[:, 0] + boxes[:, 3] - boxes[:, 1]) / 4
    return xp.stack([(boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2, radius], 1)


def squares_of(circles: Any, xp: Any = np) -> Any:
    """(n, 4) the squares around circles (n, 3)."""
    x, y, r = circles[:, 0], circles[:, 1], circles[:, 2]
    return xp.stack([x - r, y - r, x + r, y + r], 1)


def circle_iou(a: Any, b: Any, xp: Any = np) -> Any:
    """(n, m) area shared / area covered by the circles of `a` (n, 3) and `b` (m, 3) as x, y, r; 0 without area.

    The shared area of two circles is that of a lens: two circular segments on one chord.
    """
    ra, rb = xp.clip(a[:, None, 2], 0, None), xp.clip(b[None, :, 2], 0, None)
    apart = xp.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
    shared = _lens(apart, ra, rb, xp)
    covered = xp.pi * (ra**2 + rb**2) - shared
    return xp.where(covered > 0, shared / xp.where(covered > 0, covered, 1), 0 * shared)


def _lens(apart: Any, ra: Any, rb: Any, xp: Any) -> Any:
    """Area shared by circles whose centres are `apart`."""
    smaller = xp.pi * xp.minimum(ra, rb) ** 2
    # Kept off zero where the formula does not hold anyway: one circle within the other, or both apart.
    d, p, q = xp.clip(apart, 1e-9, None), xp.clip(ra, 1e-9, None), xp.clip(rb, 1e-9, None)
    alpha = xp.arccos(xp.clip((d**2 + p**2 - q**2) / (2 * d * p), -1, 1))
    beta = xp.arccos(xp.clip((d**2 + q**2 - p**2) / (2 * d * q), -1, 1))
    kite = xp.sqrt(xp.clip((p + q - d) * (d + p - q) * (d - p + q) * (d + p + q), 0, None)) / 2
    crossing = p**2 * alpha + q**2 * beta - kite
    within, outside = apart <= abs(ra - rb), apart >= ra + rb
    return xp.where(outside, 0 * smaller, xp.where(within, smaller, crossing))


def box_circle_iou(a: Any, b: Any, xp: Any = np) -> Any:
    """`circle_iou` of the circles in boxes `a` (n, 4) and `b` (m, 4)."""
    return circle_iou(circles_of(a, xp), circles_of(b, xp), xp)


def circle_nms(
    circles: Numbers, scores: Numbers, labels: NDArray[np.integer[Any]] | None, iou: float, most: int
) -> Indices:
    """Indices of the circles (n, 3) kept, best first: each drops the weaker ones whose circle IoU with it is above
    `iou`, within a class where `labels` (n,) are given. Of equal scores the earlier one wins."""

    def rivals(a: Indices, b: Indices) -> Flags:
        over = np.asarray(circle_iou(circles[a], circles[b]) > iou)
        return over if labels is None else over & (labels[a, None] == labels[b])

    return _kept(np.argsort(-scores, kind="stable"), rivals, most)


def _kept(order: Indices, rivals: Callable[[Indices, Indices], Flags], most: int) -> Indices:
    kept = np.zeros(0, np.intp)
    for start in range(0, len(order), _CHUNK):
        chunk = order[start : start + _CHUNK]
        if len(kept):
            chunk = chunk[~rivals(kept, chunk).any(0)]
        kept = np.concatenate([kept, chunk[greedy(rivals(chunk, chunk))]])
        if len(kept) >= most:
            break
    return kept[:most]
