"""The learning curve of a project: AP50 of its teachers and students over the cells they learned from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.figures.lines import Axis, LineChart, Series, line_chart

WIDTH, HEIGHT = 560, 260
KINDS = {"teacher": (1, "Teachers"), "student": (2, "Students")}


@dataclass(frozen=True, slots=True)
class Point:
    """One model. `low` and `high`: the 95 % interval, None where there are too few cases for one."""

    label: str
    kind: str
    accepted: bool
    cells: int
    ap50: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on the picture with its interval as a line; a refused model's is hollow."""

    point: Point
    colour: int
    x: float
    y: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """`split` is where all points were measured; `chart` holds axes, grid and the lines of the accepted models."""

    split: str
    points: tuple[Point, ...]
    marks: tuple[Mark, ...]
    chart: LineChart


def curve_of(rows: Sequence[Mapping[str, Any]]) -> Curve | None:
    """The curve of models, given as label, kind, accepted, cells, and for test and tuning AP50 and its interval.

    All points are of one split: of test where any model was measured there, else of tuning. None without a figure.
    """
    for split in ("test", "tuning"):
        points = tuple(_point(row, split) for row in rows if isinstance(row[f"{split}_ap50"], int | float))
        if points:
            return _drawn(split, points)
    return None


def _point(row: Mapping[str, Any], split: str) -> Point:
    ends = row[f"{split}_ends"]
    low, high = ends if isinstance(ends, list) and len(ends) == 2 else (None, None)  # low and high
    cells = row["cells"] if isinstance(row["cells"], dict) else {}
    return Point(row["label"], row["kind"], row["accepted"], sum(cells.values()), row[f"{split}_ap50"], low, high)


def _drawn(split: str, points: tuple[Point, ...]) -> Curve:
    most = max(max(point.cells for point in points), 1) * 1.05
    series = [
        Series(name, [(p.cells, p.ap50) for p in points if p.kind == kind and p.accepted], style=style)
        for kind, (style, name) in KINDS.items()
    ]
    chart = line_chart(
        f"AP50 on {split} by labelled training cells",
        series,
        x=Axis("labelled training cells", low=0.0, high=most, whole=True),
        y=Axis("AP50", low=0.0, high=1.0),
        width=WIDTH,
        height=HEIGHT,
    )

    def x(cells: int) -> float:
        return round(chart.left + cells / most * (chart.right - chart.left), 1)

    def y(value: float) -> float:
        return round(chart.bottom - min(max(value, 0.0), 1.0) * (chart.bottom - chart.top), 1)

    marks = tuple(
        Mark(
            point,
            KINDS[point.kind][0],
            x(point.cells),
            y(point.ap50),
            None if point.low is None else y(point.low),
            None if point.high is None else y(point.high),
        )
        for point in points
    )
    return Curve(split, points, marks, chart)
