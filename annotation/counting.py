"""The differential: counts of cells per class as shares with their intervals, and M:E. Pure: no database.

It says what static/src/differential.ts says beside the canvas. Shares are of the counted cells alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Generic, Protocol, TypeVar

# A differential is counted to so many cells: what ICSH advises for marrow.
TARGET = 500
_Z = 1.959963984540054

# The lineages of M in M:E: granulocytes, monocytes and their precursors. Blasts of no named lineage are not in it.
MYELOID = frozenset({"granulocytic", "monocytic"})
ERYTHROID = "erythroid"
BLAST = "blast"


class Countable(Protocol):
    """What is asked of a class; a CellClass row has it."""

    number: int
    lineage: str
    counted: bool
    kind: str


C = TypeVar("C", bound=Countable)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, and the 95 % interval of the share, from 0 to 1."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.count / self.of

    @property
    def percent(self) -> float:
        return 100 * self.value

    @property
    def low_percent(self) -> float:
        return 100 * self.low

    @property
    def high_percent(self) -> float:
        return 100 * self.high


@dataclass(frozen=True, slots=True)
class Row(Generic[C]):
    """A class that occurs; `share` is None where it is not counted."""

    cell_class: C
    count: int
    share: Share | None


@dataclass(frozen=True, slots=True)
class Differential(Generic[C]):
    """`counted`: cells of counted classes. `ratio`: M:E, None while there is no erythroid cell.

    `spoilt`: smudges and artefacts of all that is labelled; `unsure`: what nobody could tell. None where nothing is.
    """

    rows: tuple[Row[C], ...]
    total: int
    counted: int
    myeloid: int
    erythroid: int
    blasts: Share | None
    spoilt: Share | None
    unsure: Share | None

    @property
    def ratio(self) -> float | None:
        return self.myeloid / self.erythroid if self.erythroid else None

    @property
    def missing(self) -> int:
        """How many cells are still to be counted until TARGET."""
        return max(0, TARGET - self.counted)


def differential(counts: Mapping[int, int], classes: Sequence[C]) -> Differential[C]:
    """The differential of `counts` (class number to cells), with a row for each class that occurs, in their order."""
    present = [(row, counts[row.number]) for row in classes if counts.get(row.number)]
    total = sum(count for _, count in present)
    counted = sum(count for row, count in present if row.counted)
    of_lineage = {
        lineage: sum(count for row, count in present if row.counted and row.lineage == lineage)
        for lineage in {row.lineage for row, _ in present}
    }
    of_kind = {kind: sum(count for row, count in present if row.kind == kind) for kind in ("artefact", "unsure")}
    return Differential(
        rows=tuple(Row(row, count, share(count, counted) if row.counted else None) for row, count in present),
        total=total,
        counted=counted,
        myeloid=sum(of_lineage.get(lineage, 0) for lineage in MYELOID),
        erythroid=of_lineage.get(ERYTHROID, 0),
        blasts=share(of_lineage.get(BLAST, 0), counted),
        spoilt=share(of_kind["artefact"], total),
        unsure=share(of_kind["unsure"], total),
    )


def share(count: int, of: int) -> Share | None:
    """None where there is nothing to be a share of."""
    return Share(count, of, *wilson(count, of)) if of else None


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score: it holds for small counts and never leaves 0 to 1."""
    if of == 0:
        return 0.0, 1.0
    part = count / of
    scale = 1 + _Z**2 / of
    middle = (part + _Z**2 / (2 * of)) / scale
    half = (_Z / scale) * sqrt(part * (1 - part) / of + _Z**2 / (4 * of**2))
    return 0.0 if count == 0 else max(0.0, middle - half), 1.0 if count == of else min(1.0, middle + half)
