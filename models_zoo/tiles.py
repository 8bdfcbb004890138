"""Cutting a large field into squares that a network can see, without squeezing it.

The working picture is the field resized by its `scale` (images.resize); everything here is in its pixels. The
overlap should be at least the size of a cell, so that every cell lies whole in some tile: with cells of 40 px and
tiles of 320 px the default of 25 % is 80 px.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A field whose longer side is at most this many tiles is run whole: a network of convolutions takes any size.
WHOLE_UP_TO = 1.5
OVERLAP = 0.25


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the working picture: (x, y) is its upper left corner."""

    x: int
    y: int
    width: int
    height: int


def plan(width: int, height: int, tile: int, overlap: float = OVERLAP) -> list[Tile]:
    """The tiles a detector looks at in a working picture of that size, row by row.

    A picture whose longer side is at most 1.5 tiles is one tile of its own size. A longer one is cut into tiles
    of `tile` x `tile` (or the picture's own side where that is shorter), evenly spaced, neighbours having at
    least `overlap` of a tile in common; every pixel lies in some tile.
    """
    if max(width, height) <= WHOLE_UP_TO * tile:
        return [Tile(0, 0, width, height)]
    return for_training(width, height, tile, overlap)


def for_training(width: int, height: int, tile: int, overlap: float = OVERLAP) -> list[Tile]:
    """As `plan`, but no side is ever longer than `tile`: a training set needs pictures of one size.

    Whoever writes them pads the shorter ones to `tile` x `tile` (ultralytics would enlarge them).
    """
    if width < 1 or height < 1 or tile < 1:
        raise ValueError(f"cannot cut {width} x {height} pixels into tiles of {tile}: every side must be at least 1")
    if not 0 <= overlap < 1:
        raise ValueError(f"the overlap of tiles is a share from 0 to below 1, not {overlap}")
    across, down = _starts(width, tile, overlap), _starts(height, tile, overlap)
    return [Tile(x, y, min(tile, width), min(tile, height)) for y in down for x in across]


def _starts(side: int, tile: int, overlap: float) -> list[int]:
    if side <= tile:
        return [0]
    step = max(1, math.floor(tile * (1 - overlap) + 1e-9))
    count = math.ceil((side - tile) / step) + 1
    return [round(number * (side - tile) / (count - 1)) for number in range(count)]


def clip(
    boxes: NDArray[np.floating], tile: Tile, min_visible: float = 0.3
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The `boxes` (n, 4), in working pixels, that `tile` shows: (boxes in tile pixels cut at its border, indices).

    A box of which less than `min_visible` of the area lies inside is left out, and so is a box without area.
    """
    whole = np.asarray(boxes, np.float64).reshape(-1, 4) - (tile.x, tile.y, tile.x, tile.y)
    seen = np.clip(whole, 0, (tile.width, tile.height, tile.width, tile.height))
    area, visible = _area(whole), _area(seen)
    kept = np.flatnonzero((visible > 0) & (visible >= min_visible * area))
    return seen[kept], kept


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])
