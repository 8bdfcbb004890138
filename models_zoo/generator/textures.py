"""Tiles of noise and of dots that repeat without a seam, made once per scale and then cut at random places.

Drawing noise anew for every cell would cost more than all the rest of the field.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage

from models_zoo.generator.records import Floats

SIDE = 256


@lru_cache(maxsize=64)
def _grain_tile(grain_px: float) -> Floats:
    rng = np.random.default_rng([1, round(grain_px * 100)])
    # Three scales: one alone looks like a labyrinth, not like chromatin.
    band = np.zeros((SIDE, SIDE))
    for scale, share in ((0.3, 0.6), (0.55, 1.0), (1.2, 0.8)):
        layer = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), grain_px * scale, mode="wrap")
        band += share * layer / layer.std()
    tile: Floats = ((band - band.mean()) / band.std()).astype(np.float32)
    return tile


@lru_cache(maxsize=64)
def _dots_tile(diameter_px: float, per_px: float) -> Floats:
    rng = np.random.default_rng([2, round(diameter_px * 100), round(per_px * 1e5)])
    count = max(1, round(per_px * SIDE * SIDE))
    impulses = np.zeros((SIDE, SIDE))
    np.add.at(impulses, tuple(rng.integers(0, SIDE, (2, count))), rng.uniform(0.5, 1.0, count))
    sigma = max(0.45, diameter_px * 0.36)
    dots = ndimage.gaussian_filter(impulses, sigma, mode="wrap") * (2 * np.pi * sigma * sigma)
    tile: Floats = np.minimum(dots, 1.2).astype(np.float32)
    return tile


def _cut(tile: Floats, rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    top, left = rng.integers(0, SIDE, 2)
    rows = (top + np.arange(shape[0])) % SIDE
    columns = (left + np.arange(shape[1])) % SIDE
    piece: Floats = tile[rows[:, None], columns[None, :]]
    return piece


def grain(rng: np.random.Generator, shape: tuple[int, int], grain_px: float) -> Floats:
    """Noise of mean 0 and deviation 1 whose grains are about `grain_px` wide."""
    return _cut(_grain_tile(round(max(grain_px, 0.6), 1)), rng, shape)


def dots(rng: np.random.Generator, shape: tuple[int, int], diameter_px: float, per_px: float) -> Floats:
    """Soft dots of height up to about 1, `per_px` of them on a pixel's area."""
    return _cut(_dots_tile(round(max(diameter_px, 0.8), 1), round(per_px, 4)), rng, shape)
