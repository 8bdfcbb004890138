"""Shapes as pixels: masks of targets, and the grey that makes no claim. Needs OpenCV.

OpenCV counts from pixel centres, the zoo from pixel corners: half a pixel less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_zoo.images import Pixels
from models_zoo.records import Target

# The grey that ultralytics pads with; what is painted with it carries no claim.
GREY = 114
_FRACTION_BITS = 4
# Corners of the polygon that stands for a circle: its sides lie within 0.2 % of the radius.
CORNERS = 48


def blank(image: Pixels, unsure: Sequence[Target], boxes: NDArray[np.float64], scale: float) -> Pixels:
    """`image` with the inside of the `unsure` shapes grey, but not where a box (working pixels) claims the place."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for target in unsure:
        _fill_target(mask, target, scale)
    for x0, y0, x1, y1 in boxes:
        mask[max(int(y0), 0) : max(int(np.ceil(y1)), 0), max(int(x0), 0) : max(int(np.ceil(x1)), 0)] = 0
    blanked = image.copy()
    blanked[mask > 0] = GREY
    return blanked


def _fill_target(mask: NDArray[np.uint8], target: Target, scale: float) -> None:
    """Mark the inside of `target`, given in field pixels."""
    import cv2  # here, so that importing the zoo's front stays light

    points = np.array(target.points, np.float64) * scale
    if target.kind == "circle":
        fixed = points * 2**_FRACTION_BITS
        centre = np.rint(fixed[:2] - 2 ** (_FRACTION_BITS - 1)).astype(int)
        cv2.circle(mask, (int(centre[0]), int(centre[1])), round(fixed[2]), 1, cv2.FILLED, shift=_FRACTION_BITS)
        return
    if target.kind == "box":
        x0, y0, x1, y1 = points
        fill(mask, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    else:
        fill(mask, points.reshape(-1, 2))


def fill(mask: NDArray[np.uint8], outline: NDArray[np.floating[Any]], value: int = 1) -> None:
    """Mark the inside of the polygon `outline` (k, 2), in pixels of `mask`, with `value`."""
    import cv2  # here, so that importing the zoo's front stays light

    fixed = np.rint((np.asarray(outline, np.float64) - 0.5) * 2**_FRACTION_BITS).astype(np.int32)
    cv2.fillPoly(mask, [fixed], value, shift=_FRACTION_BITS)


def ellipse(box: Sequence[float]) -> NDArray[np.float32]:
    """(CORNERS, 2) the ellipse inside `box`, whose four outermost points lie on it exactly."""
    x0, y0, x1, y1 = box
    angle = np.arange(CORNERS) * (2 * np.pi / CORNERS)
    x, y = (x0 + x1) / 2 + np.cos(angle) * (x1 - x0) / 2, (y0 + y1) / 2 + np.sin(angle) * (y1 - y0) / 2
    return np.stack([x, y], 1).astype(np.float32)
