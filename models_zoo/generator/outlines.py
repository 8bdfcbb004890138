"""Outlines around a centre, the nuclei made of them, and clipping to the image. Lengths in µm unless said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_zoo.generator.records import Floats

ANGLES = 256
_THETA = np.linspace(-np.pi, np.pi, ANGLES + 1)
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed curve around the origin, given by its radius (257,) at equal steps of angle from -pi to pi. Every such
    shape is star-shaped: each ray from the centre crosses it once."""

    radius: npt.NDArray[np.float64]

    @property
    def reach(self) -> float:
        return float(self.radius.max())

    def inside(self, x: Floats, y: Floats) -> Floats:
        """How far each place is inside the curve along its ray; negative outside."""
        limit = np.interp(np.arctan2(y, x), _THETA, self.radius)
        return (limit - np.hypot(x, y)).astype(np.float32)

    def points(self, count: int) -> Points:
        """A polygon (count, 2) whose area is the curve's: its corners stand a little outside."""
        theta = np.linspace(-np.pi, np.pi, count, endpoint=False)
        step = 2 * np.pi / count
        radius = np.interp(theta, _THETA, self.radius) * np.sqrt(step / np.sin(step))
        return np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=1)


def wavy(
    rng: np.random.Generator, radius: float, roughness: float, stretch: float = 1.0, axis: float = 0.0, order: int = 6
) -> Outline:
    """A smooth irregular outline: an ellipse (long axis at the angle `axis`) with Fourier terms up to `order`."""
    waves = np.arange(2, order + 1)
    height = rng.standard_normal(len(waves)) * roughness / waves**0.8
    phase = rng.uniform(0, 2 * np.pi, len(waves))
    bumps = 1 + (height[:, None] * np.cos(waves[:, None] * _THETA + phase[:, None])).sum(axis=0)
    long, short = np.sqrt(stretch), 1 / np.sqrt(stretch)
    ellipse = 1 / np.hypot(np.cos(_THETA - axis) / long, np.sin(_THETA - axis) / short)
    return Outline(radius * ellipse * np.clip(bumps, 0.45, 1.6))


def dented(outline: Outline, depth: float, angle: float, width: float) -> Outline:
    """The outline with a dent at `angle` (a bean, a kidney), `depth` as a share of the radius."""
    away = np.angle(np.exp(1j * (_THETA - angle)))
    return Outline(outline.radius * (1 - depth * np.exp(-((away / width) ** 2))))


def tube(x: Floats, y: Floats, spine: Points, radius: npt.NDArray[np.float64], blend: float = 0.0) -> Floats:
    """How far each place is inside a tube along `spine` (k, 2) whose thickness is `radius` (k,); `blend` (µm) fills
    the clefts between its parts."""
    gaps = np.hypot(x[..., None] - spine[:, 0].astype(np.float32), y[..., None] - spine[:, 1].astype(np.float32))
    depths = radius.astype(np.float32) - gaps
    inside: Floats = depths.max(axis=-1)
    if blend > 0:
        rest = np.exp((depths - inside[..., None]) / np.float32(blend)).sum(axis=-1)
        inside = inside + np.float32(blend) * np.log(rest)
    return inside


def clip(points: Points, width: float, height: float) -> Points:
    """The polygon (k, 2) inside the image (Sutherland and Hodgman 1974).

    Exact for star-shaped polygons whose centre is in the image: what is left is then one piece.
    """
    for axis, limit, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        points = _clip_side(points, axis, limit, sign)
    return points


def _clip_side(points: Points, axis: int, limit: float, sign: int) -> Points:
    depth = sign * (points[:, axis] - limit)
    if (depth >= 0).all():
        return points
    kept: list[Points] = []
    for here, there, a, b in zip(points, np.roll(points, -1, axis=0), depth, np.roll(depth, -1), strict=True):
        if a >= 0:
            kept.append(here)
        if (a >= 0) != (b >= 0):
            crossing = here + (there - here) * (a / (a - b))
            crossing[axis] = limit
            kept.append(crossing)
    return np.array(kept).reshape(-1, 2)
