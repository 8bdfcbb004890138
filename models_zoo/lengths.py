"""Lengths without a bare pixel (METHODS section 3): in µm where a field's scale is known, else in sizes of a cell.

55 px of one microscope is a third of a cell there and three cells on another, so a length that is a setting says what
it is measured in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models_zoo.records import Target
from models_zoo.shapes import training_box


@dataclass(frozen=True, slots=True)
class Length:
    """`um` holds where a field's scale is known, `cells` (in median sides of a true box) elsewhere, `px` everywhere.

    Raises ValueError where nothing is given, or `px` beside another.
    """

    um: float | None = None
    cells: float | None = None
    px: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.um, self.cells, self.px) if value is not None]
        if not given or (self.px is not None and len(given) > 1):
            raise ValueError("a length is given in um, in cells or both, or in px alone")
        if any(not value >= 0 for value in given):
            raise ValueError(f"a length cannot be below 0: {self}")

    def in_px(self, um_per_px: float | None, cell_px: float | None) -> float:
        """Pixels of a field with that scale, whose set has cells of `cell_px` (median side of the true boxes)."""
        if self.px is not None:
            return self.px
        if self.um is not None and um_per_px:
            return self.um / um_per_px
        if self.cells is not None and cell_px:
            return self.cells * cell_px
        if self.cells is None:
            raise ValueError(f"{self.um:g} um are no pixels where the scale is unknown: say the length in cells too")
        raise ValueError("a length in cells needs labelled cells to measure by")

    def words(self) -> str:
        if self.px is not None:
            return f"{self.px:g} px"
        um = None if self.um is None else f"{self.um:g} um"
        cells = None if self.cells is None else f"{self.cells:g} of the median true side"
        return f"{um}, or {cells} where the scale is unknown" if um and cells else um or cells or ""


def median_side(targets: Iterable[Target]) -> float | None:
    """The median over cells of (width + height) / 2 of the box, in field pixels; None where there is none."""
    boxes = np.array([training_box(target, 1.0) for target in targets if target.label >= 0]).reshape(-1, 4)
    return median_of(boxes)


def median_of(boxes: np.ndarray) -> float | None:
    """The same of `boxes` (n, 4)."""
    sides = (boxes[:, 2:] - boxes[:, :2]).mean(1)
    return float(np.median(sides)) if len(sides) else None
