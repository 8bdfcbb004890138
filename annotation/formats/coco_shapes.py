"""The shape of a COCO annotation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shapely
from shapely.geometry import Polygon

from annotation.formats.text import number, plain_numbers
from annotation.shapes import Shape

# A box that another program moved is believed before our own extra fields. Ours agree to rounding.
MOVED_PX = 0.01

Found = tuple[Shape, dict[str, Any], str | None]


def shape_of(item: Mapping[str, Any]) -> Found:
    """Shape, attributes that keep what the shape cannot hold, and what is to be reported about it.

    Raises ValueError when there is no shape to be had.
    """
    own = _own(item)
    if own is not None:
        return own, {}, None
    segmentation = item.get("segmentation")
    if isinstance(segmentation, list) and segmentation:
        return _from_polygons(segmentation)
    if isinstance(segmentation, dict) and not item.get("iscrowd"):
        return _box(item), {}, "a run-length mask is kept as its box"
    return _box(item), {}, None


def _box(item: Mapping[str, Any]) -> Shape:
    values = item.get("bbox")
    if values is None:
        raise ValueError("no bbox")
    if not isinstance(values, list) or len(values) != 4:
        raise ValueError(f"bbox has not 4 numbers: {str(values)[:40]}")
    x, y, w, h = plain_numbers(values) or (number(v, f"{what} of bbox") for v, what in zip(values, "xywh", strict=True))
    return Shape("box", (x, y, x + w, y + h))


def _own(item: Mapping[str, Any]) -> Shape | None:
    """The circle or box that our own export wrote beside `bbox`."""
    kind = item.get("shape")
    if kind not in ("circle", "box"):
        return None
    values = item.get(kind)
    wanted = 3 if kind == "circle" else 4
    if not isinstance(values, list) or len(values) != wanted:
        return None
    shape = Shape(kind, plain_numbers(values) or tuple(number(value, kind) for value in values))
    moved = max(abs(a - b) for a, b in zip(shape.bounds, _box(item).points, strict=True))
    return shape if moved <= MOVED_PX else None


def _from_polygons(polygons: list[Any]) -> Found:
    parts = [_polygon(part) for part in polygons]
    if len(parts) == 1:
        return Shape("contour", parts[0]), {}, None
    joined = _joined(parts)
    if joined is not None:
        return Shape("contour", joined), {}, None
    xs = [x for part in parts for x in part[0::2]]
    ys = [y for part in parts for y in part[1::2]]
    note = f"{len(parts)} pieces that lie apart are kept as their common box, the polygons as attribute"
    return Shape("box", (min(xs), min(ys), max(xs), max(ys))), {"segmentation": polygons}, note


def _polygon(part: Any) -> tuple[float, ...]:
    if not isinstance(part, list) or len(part) < 6 or len(part) % 2:
        raise ValueError(f"segmentation is no list of at least 3 points: {str(part)[:40]}")
    return plain_numbers(part) or tuple(number(value, "segmentation") for value in part)


def _joined(parts: list[tuple[float, ...]]) -> tuple[float, ...] | None:
    """The outline of pieces that touch; None when they lie apart, cross themselves or leave a hole."""
    shapes = [Polygon(list(zip(part[0::2], part[1::2], strict=True))) for part in parts]
    if not all(shape.is_valid for shape in shapes):
        return None
    union = shapely.union_all(shapes)
    if not isinstance(union, Polygon) or union.interiors:
        return None
    return tuple(float(value) for point in list(union.exterior.coords)[:-1] for value in point[:2])
