"""Pictures of single cells with exact contours, and the weak circle or box that an expert would have drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models_zoo.images import Pixels, read_rgb

Mask = npt.NDArray[np.bool_]

# METHODS of the weak circles (Gräbel 2021): 3 px of jitter for each axis and 1 px for the radius, where the median side
# of a box is 165 px.
JITTER, JITTER_RADIUS = 3 / 165, 1 / 165
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: `picture` (h, w, 3), the pixels that belong to it, nucleus and cytoplasm, and the data set's scale:
    `side` is the median side of its boxes in pixels."""

    key: str
    picture: Pixels
    mask: Mask
    side: float


@dataclass(frozen=True, slots=True)
class Case:
    """A picture, the truth, and what was drawn: circle cx, cy, r or box x0, y0, x1, y1 in pixels of the picture."""

    picture: Pixels
    mask: Mask
    kind: str
    points: tuple[float, ...]


def read(folder: Path) -> list[Cell]:
    """`folder`/images and `folder`/masks of the same stems; what is not black in a mask is the cell."""
    masks = {path.stem: path for path in sorted((folder / "masks").iterdir()) if path.suffix.lower() in PICTURES}
    images = [path for path in sorted((folder / "images").iterdir()) if path.stem in masks]
    cells = [Cell(path.stem, read_rgb(path), read_rgb(masks[path.stem]).max(axis=2) > 0, 0.0) for path in images]
    whole = [cell for cell in cells if cell.mask.any()]
    sides = [side for cell in whole for side in sides_of(cell.mask)]
    return [replace(cell, side=float(np.median(sides))) for cell in whole]


def sides_of(mask: Mask) -> tuple[int, int]:
    """Width and height of the box round what is true."""
    x0, y0, x1, y1 = box_of(mask)
    return x1 - x0, y1 - y0


def box_of(mask: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def enclosing(mask: Mask) -> tuple[float, float, float]:
    """The smallest circle round all corners of all pixels of the mask: x, y, radius."""
    rows, columns = np.nonzero(mask)
    corners = [np.stack([columns + right, rows + down], axis=1) for right in (0, 1) for down in (0, 1)]
    (x, y), radius = cv2.minEnclosingCircle(np.concatenate(corners).astype(np.float32))
    return float(x), float(y), float(radius)


def drawn_circle(mask: Mask, side: float, rng: np.random.Generator, worse: float = 1.0) -> tuple[float, float, float]:
    """The circle of a simulated expert (Gräbel 2021, on weak annotations): the smallest enclosing one, its centre moved
    on either axis, its radius enlarged by that displacement (Euclidean) and a little chance. `worse` scales both."""
    x, y, radius = enclosing(mask)
    right, down = rng.normal(0, JITTER * side * worse, 2)
    radius += float(np.hypot(right, down)) + float(rng.normal(0, JITTER_RADIUS * side * worse))
    height, width = mask.shape
    return float(np.clip(x + right, 0, width)), float(np.clip(y + down, 0, height)), max(radius, 2.0)


def drawn_box(mask: Mask, side: float, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """The box of a simulated expert: each side of the exact one moved by chance, on the picture."""
    height, width = mask.shape
    x0, y0, x1, y1 = np.array(box_of(mask)) + rng.normal(0, JITTER_RADIUS * side, 4)
    return max(0.0, float(x0)), max(0.0, float(y0)), min(float(width), float(x1)), min(float(height), float(y1))


def circled(cell: Cell, rng: np.random.Generator, worse: float = 1.0) -> Case:
    return Case(cell.picture, cell.mask, "circle", drawn_circle(cell.mask, cell.side, rng, worse))


def boxed(cell: Cell, rng: np.random.Generator) -> Case:
    return Case(cell.picture, cell.mask, "box", drawn_box(cell.mask, cell.side, rng))
