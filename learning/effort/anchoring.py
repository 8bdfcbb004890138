"""Do readers follow the model because they see it? Fields read without predictions beside those read with them.

On both kinds the model's predictions are matched with the cells that the reader left. Where readers agree with it more
often when they see it than when they do not, they follow it ("anchoring"), whether it is right or wrong. Pure: numbers
in, figures out; intervals by resampling fields (Efron 1979, percentile intervals).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
RESAMPLES = 2000
SEED = 20


@dataclass(frozen=True, slots=True)
class Placed:
    """One cell or prediction: its middle and radius in pixels of the field, and the number of its class."""

    x: float
    y: float
    r: float
    label: int


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """Of one field: predictions that were shown or would have been, cells, pairs in one place, those of one class."""

    predictions: int
    cells: int
    pairs: int
    agreed: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A share or mean with its 95 % interval; None where the fields cannot tell."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure on fields read without and with predictions, and with minus without."""

    name: str
    without: Figure
    shown: Figure
    difference: Figure


def counts_of(predictions: Sequence[Placed], cells: Sequence[Placed]) -> FieldCounts:
    """Each cell is paired with the nearest free prediction whose middle lies within half its radius."""
    free = list(predictions)
    pairs = agreed = 0
    for cell in cells:
        near = [(np.hypot(one.x - cell.x, one.y - cell.y), place) for place, one in enumerate(free)]
        away, place = min(near, default=(np.inf, -1))
        if away <= cell.r / 2:
            pairs += 1
            agreed += free.pop(place).label == cell.label
    return FieldCounts(len(predictions), len(cells), pairs, agreed)


def compare(without: Sequence[FieldCounts], shown: Sequence[FieldCounts]) -> list[Compared]:
    """Each measure pooled over the fields of a kind."""
    columns = {
        "Cells in a field": (lambda rows: rows[:, 1], lambda rows: np.ones(len(rows))),
        "Predictions that are a cell in the end": (lambda rows: rows[:, 2], lambda rows: rows[:, 0]),
        "Predictions that are a cell of their class": (lambda rows: rows[:, 3], lambda rows: rows[:, 0]),
        "Cells that were predicted": (lambda rows: rows[:, 2], lambda rows: rows[:, 1]),
    }
    return [_compared(name, without, shown, *parts) for name, parts in columns.items()]


Part = Callable[[Floats], Floats]


def _compared(
    name: str, without: Sequence[FieldCounts], shown: Sequence[FieldCounts], top: Part, bottom: Part
) -> Compared:
    one, other = (_resampled(_table(rows), top, bottom, seed) for rows, seed in ((without, SEED), (shown, SEED + 1)))
    return Compared(name, _figure(*one), _figure(*other), _figure(other[0] - one[0], other[1] - one[1]))


def _table(rows: Sequence[FieldCounts]) -> Floats:
    return np.array([[row.predictions, row.cells, row.pairs, row.agreed] for row in rows], np.float64).reshape(-1, 4)


def _resampled(rows: Floats, top: Part, bottom: Part, seed: int) -> tuple[float, Floats]:
    """The pooled share, and those of resampled fields; not a number where there is nothing below the line."""
    above, below = top(rows), bottom(rows)
    count = len(rows)
    if count < 2:
        return _share(above.sum(), below.sum()), np.full(RESAMPLES, np.nan)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    sums = weights @ below
    drawn = np.divide(weights @ above, sums, out=np.full(RESAMPLES, np.nan), where=sums > 0)
    return _share(above.sum(), below.sum()), drawn


def _share(above: float, below: float) -> float:
    return float(above / below) if below else float("nan")


def _figure(value: float, drawn: Floats) -> Figure:
    if np.isnan(value):
        return Figure(None)
    known = drawn[~np.isnan(drawn)]
    if len(known) < RESAMPLES / 2:
        return Figure(value)
    low, high = np.percentile(known, [2.5, 97.5])
    return Figure(value, float(low), float(high))
