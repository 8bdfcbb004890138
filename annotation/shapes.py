"""The three shapes a cell can have: circle, box and contour. Pure geometry, in pixels of the field.

x runs to the right and y down; the corner of the first pixel is (0, 0), so a field of width 640 spans 0 to 640.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["circle", "box", "contour"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# A box or contour may stick out of its image by the rounding of whatever wrote it, not by more.
BORDER_SLACK_PX = 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    """`points`: circle (cx, cy, r); box (x0, y0, x1, y1); contour (x0, y0, x1, y1, x2, y2, ...), not closed."""

    kind: Kind
    points: tuple[float, ...]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The enclosing box x0, y0, x1, y1."""
        if self.kind == "circle":
            cx, cy, r = self.points
            return cx - r, cy - r, cx + r, cy + r
        if self.kind == "box":
            x0, y0, x1, y1 = self.points
            return x0, y0, x1, y1
        xs, ys = self.points[0::2], self.points[1::2]
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def area(self) -> float:
        """Square pixels."""
        if self.kind == "circle":
            return math.pi * self.points[2] ** 2
        if self.kind == "box":
            x0, y0, x1, y1 = self.points
            return (x1 - x0) * (y1 - y0)
        return _area(self.points)

    @property
    def vertices(self) -> list[tuple[float, float]]:
        """Corners of a box or contour; a circle has none and raises ValueError."""
        if self.kind == "circle":
            raise ValueError("a circle has no vertices")
        if self.kind == "box":
            x0, y0, x1, y1 = self.points
            return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        return list(zip(self.points[0::2], self.points[1::2], strict=True))


def _area(points: tuple[float, ...]) -> float:
    """Of a polygon x0, y0, x1, y1, ..., by the shoelace formula from its first corner (exact far from the origin)."""
    left, top = points[0], points[1]
    xs = [x - left for x in points[0::2]]
    ys = [y - top for y in points[1::2]]
    turned = sum(x * next_y - next_x * y for x, y, next_x, next_y in zip(xs, ys, xs[1:], ys[1:], strict=False))
    return abs(turned) / 2


def fault_of(shape: Shape, width: int, height: int) -> str | None:
    """Why `shape` cannot be a cell of a field of that size, in plain words; None when it can.

    A circle may reach over the border (a cell that the border cuts is circled whole) as long as its centre lies
    inside and its radius is no longer than the image. A box or contour describes pixels, so it must lie inside, give or
    take BORDER_SLACK_PX.
    """
    if any(not math.isfinite(value) for value in shape.points):
        return "a coordinate is not a finite number"
    if shape.kind == "circle":
        return _fault_of_circle(shape, width, height)
    if shape.kind == "box" and len(shape.points) != 4:
        return f"a box has 4 numbers, not {len(shape.points)}"
    if shape.kind == "contour" and (len(shape.points) < 6 or len(shape.points) % 2):
        return f"a contour needs at least 3 points, here are {len(shape.points)} numbers"
    x0, y0, x1, y1 = shape.bounds
    if x1 < x0 or y1 < y0:
        return f"negative size: {x1 - x0:g} x {y1 - y0:g} px"
    if x1 == x0 or y1 == y0 or shape.area <= 0:
        return f"no area: {x1 - x0:g} x {y1 - y0:g} px"
    if x0 < -BORDER_SLACK_PX or y0 < -BORDER_SLACK_PX or x1 > width + BORDER_SLACK_PX or y1 > height + BORDER_SLACK_PX:
        return f"outside the image: {x0:g}, {y0:g} to {x1:g}, {y1:g} in {width} x {height} px"
    return None


def _fault_of_circle(shape: Shape, width: int, height: int) -> str | None:
    if len(shape.points) != 3:
        return f"a circle has 3 numbers, not {len(shape.points)}"
    cx, cy, r = shape.points
    if r <= 0:
        return f"radius {r:g} px is not above zero"
    if r > max(width, height):
        return f"radius {r:g} px is more than the whole image of {width} x {height} px"
    if not (0 <= cx <= width and 0 <= cy <= height):
        return f"outside the image: centre {cx:g}, {cy:g} in {width} x {height} px"
    return None
