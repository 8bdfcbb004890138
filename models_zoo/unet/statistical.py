"""How often a pixel of a weak circle belongs to the cell, by its depth in the circle (Gräbel 2021).

`python -m models_zoo.unet.statistical` measures it on generated fields, whose contours are exact, with circles
simulated from them, and prints the table that stands in `representations.CHANCES`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from models_zoo import paint
from models_zoo.generator import generate_field
from models_zoo.weaken import enclosing_circle, weak_circle

Floats = NDArray[np.float64]
STEPS = 20
FIELDS = 20
# 3 px where cells have about 165 (METHODS section 3); the radius strays by a third of it.
JITTER = 3 / 165


def chances(pairs: Iterable[tuple[tuple[float, float, float], Floats]], steps: int = STEPS) -> tuple[float, ...]:
    """(steps + 1) shares of pixels that lie in the contour, for d = 0, 1 / steps ... 1, of pairs of a circle (x, y, r)
    and the contour (k, 2) of the same cell. Made to rise with d, which a small sample may fail to."""
    inside, total = np.zeros(steps + 1), np.zeros(steps + 1)
    for (x, y, r), contour in pairs:
        low = np.floor([x - r, y - r]).astype(int) - 1
        side = int(np.ceil(2 * r)) + 3
        mask = np.zeros((side, side), np.uint8)
        paint.fill(mask, contour - low)
        rows, columns = np.mgrid[:side, :side] + 0.5
        d = 1 - np.hypot(columns + low[0] - x, rows + low[1] - y) / r
        here = d >= 0
        number = np.rint(d[here] * steps).astype(int)
        np.add.at(total, number, 1)
        np.add.at(inside, number, mask[here])
    shares = np.divide(inside, total, out=np.zeros(steps + 1), where=total > 0)
    return tuple(float(value) for value in np.maximum.accumulate(shares))


def generated_pairs(fields: int = FIELDS, seed: int = 0) -> Iterable[tuple[tuple[float, float, float], Floats]]:
    """Cells of generated fields with circles simulated from their contours, which are not cut by the border."""
    chance = np.random.default_rng(seed)
    for number in range(fields):
        cells = [cell for cell in generate_field((seed, number)).cells if "cut" not in cell.attributes]
        for cell in cells:
            side = 2 * enclosing_circle(cell.contour)[2]
            yield weak_circle(cell.contour, chance, JITTER * side, JITTER * side / 3), cell.contour


if __name__ == "__main__":
    print(", ".join(f"{value:.3f}" for value in chances(generated_pairs())), file=sys.stdout)
