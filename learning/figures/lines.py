"""Line charts: series of points become paths, ticks and a table that says the same in numbers.

Show one with {% include "learning/_lines.html" with chart=chart %}. Pure: no database, no clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

Point = tuple[float, float | None]

# More points than pixels cannot be seen, and would only make the page heavy.
MOST_POINTS = 240
# Up to so many points each one gets a mark of its own.
MARKED = 25
# The table of a long series shows every so manyth row, at most this many.
MOST_ROWS = 60
# Lines differ by dashes as well as by colour.
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4")

# Beyond this a number has run away and is a gap; ends closer than one part in so many count as one.
RUNAWAY, APART = 1e15, 1e-9

LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 36


@dataclass(frozen=True, slots=True)
class Series:
    """A named line; a point without a value, or with one that is no number, is a gap. `style` counts from 1 and chooses
    colour and dashes; 0: the next one. A `quiet` line is one to compare with, as the diagonal of a calibration."""

    name: str
    points: Sequence[Point]
    style: int = 0
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """An area between two values at each x: (x, low, high)."""

    name: str
    points: Sequence[tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Marker:
    """A place on the x axis that is pointed at, with what it is: an upright line, and words in the legend."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Axis:
    """`low` and `high` fix the ends, else the data give them; `whole`: only whole numbers are marked."""

    label: str
    low: float | None = None
    high: float | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    colour: str
    dashes: str
    path: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Ready to be written down: all coordinates are pixels of a picture of `width` by `height`."""

    title: str
    width: int
    height: int
    plot: tuple[float, float, float, float]
    x: Axis
    y: Axis
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    band: str
    band_name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marker: Tick | None = None

    @property
    def left(self) -> float:
        return self.plot[0]

    @property
    def top(self) -> float:
        return self.plot[1]

    @property
    def right(self) -> float:
        return self.plot[2]

    @property
    def bottom(self) -> float:
        return self.plot[3]

    @property
    def foot(self) -> float:
        """Where the ticks of the x axis end."""
        return self.bottom + 4

    @property
    def empty(self) -> bool:
        return not any(line.path or line.marks for line in self.lines)


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    x: Axis,
    y: Axis,
    band: Band | None = None,
    marker: Marker | None = None,
    width: int = 420,
    height: int = 240,
) -> LineChart:
    """The chart of `series`, over a shaded `band` and with a place that a `marker` points at, where there are any."""
    plot = (float(LEFT), float(TOP), float(width - RIGHT), float(height - BOTTOM))
    clean = [
        replace(one, points=_clean(one.points), style=one.style or place) for place, one in enumerate(series, start=1)
    ]
    area = [point for point in (band.points if band else ()) if all(map(_drawable, point))]
    xs = [point[0] for one in clean for point in one.points] + [point[0] for point in area]
    ys = [value for one in clean for _, value in one.points if value is not None] + [v for p in area for v in p[1:]]
    most_x, most_y = max(2, int((plot[2] - plot[0]) // 48)), max(2, int((plot[3] - plot[1]) // 32))
    x_ends, y_ends = _ends(x, xs, None), _ends(y, ys, most_y)
    place = _Place(plot, x_ends, y_ends)
    return LineChart(
        title=title,
        width=width,
        height=height,
        plot=plot,
        x=x,
        y=y,
        x_ticks=_ticks_along(x_ends, x, place.x, most_x),
        y_ticks=_ticks_along(y_ends, y, place.y, most_y),
        lines=tuple(_line(one, place) for one in clean),
        band=_area(area, place),
        band_name=band.name if band else "",
        columns=(x.label, *(one.name for one in clean), *((f"{band.name}, low", f"{band.name}, high") if band else ())),
        rows=_rows(clean, area, with_band=band is not None),
        marker=Tick(place.x(marker.at), marker.words) if marker and x_ends[0] <= marker.at <= x_ends[1] else None,
    )


def round_ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """At most `most` (two at least) round numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class _Place:
    """From values to pixels."""

    plot: tuple[float, float, float, float]
    x_ends: tuple[float, float]
    y_ends: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.x_ends
        return round(self.plot[0] + (value - low) / (high - low) * (self.plot[2] - self.plot[0]), 1)

    def y(self, value: float) -> float:
        low, high = self.y_ends
        inside = min(max((value - low) / (high - low), 0.0), 1.0)
        return round(self.plot[3] - inside * (self.plot[3] - self.plot[1]), 1)


def _clean(points: Sequence[Point]) -> list[Point]:
    """In order, thinned, and with gaps where there is no number."""
    ordered = sorted((point for point in points if _drawable(point[0])), key=lambda point: point[0])
    return [(at, value if _drawable(value) else None) for at, value in _thin(ordered, MOST_POINTS)]


def _drawable(value: float | None) -> bool:
    return value is not None and abs(value) < RUNAWAY  # not so for a NaN


def _thin(points: Sequence[Point], most: int) -> Sequence[Point]:
    """Every so manyth point, and always the last."""
    if len(points) <= most:
        return points
    step = math.ceil(len(points) / most)
    return [*points[:-1:step], points[-1]]


def _ends(axis: Axis, values: Sequence[float], most: int | None) -> tuple[float, float]:
    """Where the axis begins and ends: with the data, or at round numbers beyond them where `most` ticks are wanted."""
    low = axis.low if axis.low is not None else min(values, default=0.0)
    high = axis.high if axis.high is not None else max(values, default=1.0)
    if high - low <= max(abs(low), abs(high), 1.0) * APART:
        wide = abs(low) / 2 if abs(low) > APART else 0.5
        low, high = (low if axis.low is not None else low - wide), low + wide
    if most is None:
        return low, high
    ticks = round_ticks(low, high, most, whole=axis.whole)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    if axis.low is None:
        low = max(math.floor(low / step + 1e-9) * step, 0.0 if low >= 0 else -math.inf)
    if axis.high is None:
        high = math.ceil(high / step - 1e-9) * step
    return low, high


def _ticks_along(ends: tuple[float, float], axis: Axis, place: Callable[[float], float], most: int) -> tuple[Tick, ...]:
    values = round_ticks(*ends, most, whole=axis.whole)
    step = values[1] - values[0] if len(values) > 1 else abs(values[0]) if values else 1.0
    return tuple(Tick(place(value), _text(value, step)) for value in values)


def _text(value: float, step: float) -> str:
    """As many digits as tell neighbours apart."""
    if step >= 1 and abs(value) < 1e15:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}") if abs(value) >= 10_000 else f"{value:g}"
    if step <= 0 or step < 1e-6:
        return f"{value:.1e}"
    return f"{value:.{max(0, math.ceil(-math.log10(step) - 1e-9))}f}"


def _line(one: Series, place: _Place) -> Line:
    style = (one.style - 1) % len(DASHES) + 1
    pieces = [
        [(at, value) for at, value in piece if value is not None]
        for there, piece in groupby(one.points, key=lambda point: point[1] is not None)
        if there
    ]
    path = " ".join(
        "M" + " L".join(f"{place.x(at)},{place.y(value)}" for at, value in piece) for piece in pieces if len(piece) > 1
    )
    all_marked = len(one.points) <= MARKED and not one.quiet
    marked = [point for piece in pieces for point in piece if all_marked or len(piece) == 1]
    return Line(
        one.name,
        "quiet" if one.quiet else str(style),
        DASHES[2] if one.quiet else DASHES[style - 1],
        path,
        tuple(Mark(place.x(at), place.y(value)) for at, value in marked),
    )


def _area(points: Sequence[tuple[float, float, float]], place: _Place) -> str:
    if len(points) < 2:  # an area takes two places
        return ""
    ordered = sorted(points)
    upper = [f"{place.x(at)},{place.y(high)}" for at, _, high in ordered]
    lower = [f"{place.x(at)},{place.y(low)}" for at, low, _ in reversed(ordered)]
    return "M" + " L".join([*upper, *lower]) + " Z"


def _rows(
    series: Sequence[Series], area: Sequence[tuple[float, float, float]], *, with_band: bool
) -> tuple[tuple[str, ...], ...]:
    """The same numbers as text, a line for each x."""
    lines = [dict(one.points) for one in series]
    bands = {at: (low, high) for at, low, high in area}
    places = sorted({at for line in lines for at in line} | set(bands))
    kept = [at for at, _ in _thin([(at, None) for at in places], MOST_ROWS)]
    return tuple(tuple(_row(at, lines, bands if with_band else None)) for at in kept)


def _row(
    at: float, lines: Sequence[dict[float, float | None]], bands: dict[float, tuple[float, float]] | None
) -> Iterator[str]:
    yield f"{at:.4g}" if at != int(at) else f"{at:.0f}"
    for line in lines:
        yield _number(line.get(at))
    if bands is not None:
        low, high = bands.get(at, (None, None))
        yield _number(low)
        yield _number(high)


def _number(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.4g}"
