"""What another microscope, another stain, red cells and neighbours do to a picture whose contour is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.contoured import Case, Cell, Mask, box_of, drawn_circle
from models_zoo.images import Pixels

Floats = npt.NDArray[np.float64]


def restained(cell: Cell, rng: np.random.Generator) -> Cell:
    """Another stain and lamp, at chance: optical densities by channel (Beer and Lambert) times 0.6 to 1.4, mixed by up
    to a fifth with the next channel, all times 0.5 to 1.3, under a lamp of another colour and another gamma."""
    density = -np.log((cell.picture.astype(float) + 1) / 256)
    mixing = np.diag(rng.uniform(0.6, 1.4, 3)) + np.roll(np.diag(rng.uniform(0, 0.2, 3)), 1, axis=1)
    light = np.exp(-(density @ mixing) * rng.uniform(0.5, 1.3)) * rng.uniform(0.75, 1.0, 3)
    light = light ** rng.uniform(0.8, 1.25)
    noise = rng.normal(0, rng.uniform(0, 4), light.shape)
    return replace(cell, picture=_bytes(light * 256 - 1 + noise))


def among_red_cells(cell: Cell, rng: np.random.Generator) -> Cell:
    """Four to seven red cells, 0.6 times as large, behind it at chance, each touching it or partly under it."""
    wide = _widened(cell, rng, int(0.5 * cell.side))
    light = wide.picture.astype(float)
    colour = rng.uniform((0.78, 0.62, 0.6), (0.93, 0.82, 0.82))
    middle = np.array(ndimage.center_of_mass(wide.mask))
    count = int(rng.integers(4, 8))
    for turn in rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count + rng.normal(0, 0.2, count):
        radius = 0.3 * cell.side * rng.uniform(0.85, 1.15)
        way = np.array([np.sin(turn), np.cos(turn)])
        place = middle + way * (_reach(wide.mask, middle, way) + radius * rng.uniform(0.7, 1.0))
        rows, columns = np.indices(wide.mask.shape)
        away = np.hypot(rows - place[0], columns - place[1]) / radius
        # Thinner in its middle, as red cells are; a soft border of a pixel or two.
        amount = np.clip((1 - away) * radius / 1.5, 0, 1) * (1 - 0.6 * np.exp(-((away / 0.45) ** 2)))
        light *= colour ** (amount * (1 - _soft(wide.mask)))[..., None]
    return replace(wide, picture=_bytes(light))


def beside(cell: Cell, others: Sequence[Cell], rng: np.random.Generator) -> Cell:
    """A neighbour of the same slide against it, at chance: of the others the one whose ground is nearest in colour of
    twenty; it lies under the cell by up to a twentieth of the usual size."""
    wide = _widened(cell, rng, int(0.9 * cell.side))
    drawn = [others[index] for index in rng.choice(len(others), min(20, len(others)), replace=False)]
    near = min(
        (one for one in drawn if one.key != cell.key), key=lambda one: float(np.abs(_ground(one) - _ground(cell)).sum())
    )
    turn = rng.uniform(0, 2 * np.pi)
    way = np.array([np.sin(turn), np.cos(turn)])
    patch, part = _cut_out(near, 3)
    middle, own = np.array(ndimage.center_of_mass(wide.mask)), np.array(ndimage.center_of_mass(part))
    away = _touching(wide.mask, middle, part, own, way) - rng.uniform(0, 0.05) * cell.side
    top, left = np.round(middle + way * away - own).astype(int)
    light = wide.picture.astype(float)
    rows = slice(max(0, top), min(light.shape[0], top + part.shape[0]))
    columns = slice(max(0, left), min(light.shape[1], left + part.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        inner = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
        cover = (_soft(part)[inner] * (1 - _soft(wide.mask)[rows, columns]))[..., None]
        light[rows, columns] = cover * patch[inner] + (1 - cover) * light[rows, columns]
    return replace(wide, picture=_bytes(light))


def cut(cell: Cell, rng: np.random.Generator) -> Case:
    """The border of the picture cuts 15 to 40 % of the cell's width off; the expert draws the circle of the whole cell,
    as far as its middle is on the picture."""
    turns = int(rng.integers(4))
    picture, mask = np.rot90(cell.picture, turns), np.rot90(cell.mask, turns)
    x, y, radius = drawn_circle(mask, cell.side, rng)
    x0, _, x1, _ = box_of(mask)
    at = int(x0 + rng.uniform(0.15, 0.4) * (x1 - x0))
    seen = np.ascontiguousarray(mask[:, at:])
    return Case(np.ascontiguousarray(picture[:, at:]), seen, "circle", (max(0.5, x - at), y, radius))


def _widened(cell: Cell, rng: np.random.Generator, by: int) -> Cell:
    """More ground round the picture, of the colour and unrest of its ground."""
    height, width = cell.mask.shape
    shape = (height + 2 * by, width + 2 * by, 3)
    outside = cell.picture[~ndimage.binary_dilation(cell.mask, iterations=3)]
    unrest = outside.std(axis=0) if len(outside) else np.zeros(3)
    picture = _ground(cell) + ndimage.gaussian_filter(rng.normal(0, 1, shape), (1, 1, 0)) * np.minimum(unrest, 6)
    picture[by:-by, by:-by] = cell.picture
    mask = np.zeros(shape[:2], bool)
    mask[by:-by, by:-by] = cell.mask
    return replace(cell, picture=_bytes(picture), mask=mask)


def _ground(cell: Cell) -> Floats:
    """The median colour of what is not the cell."""
    outside = cell.picture[~cell.mask]
    return np.asarray(np.median(outside if len(outside) else cell.picture.reshape(-1, 3), axis=0), float)


def _reach(mask: Mask, middle: Floats, way: Floats) -> float:
    """How far the mask reaches from its middle that way."""
    rows, columns = np.nonzero(mask)
    offsets = np.stack([rows, columns], axis=1) - middle
    ahead = offsets @ way
    aside = np.abs(offsets @ np.array([-way[1], way[0]]))
    on_the_way = ahead[(aside < 1) & (ahead > 0)]
    return float(on_the_way.max(initial=0.0))


def _touching(mask: Mask, middle: Floats, other: Mask, own: Floats, way: Floats) -> float:
    """The least distance of the middles at which `other` lies beyond all of `mask`, seen across the way."""
    return _extent(mask, middle, way) + _extent(other, own, -way)


def _extent(mask: Mask, middle: Floats, way: Floats) -> float:
    rows, columns = np.nonzero(mask)
    return float(((np.stack([rows, columns], axis=1) - middle) @ way).max(initial=0.0))


def _cut_out(cell: Cell, room: int) -> tuple[Pixels, Mask]:
    x0, y0, x1, y1 = box_of(cell.mask)
    part = (slice(max(0, y0 - room), y1 + room), slice(max(0, x0 - room), x1 + room))
    return cell.picture[part], cell.mask[part]


def _soft(mask: Mask) -> Floats:
    return np.asarray(ndimage.gaussian_filter(mask.astype(float), 0.7))


def _bytes(light: Floats) -> Pixels:
    return np.clip(light + 0.5, 0, 255).astype(np.uint8)
