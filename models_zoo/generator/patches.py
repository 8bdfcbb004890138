"""The small square of pixels around one object, and how it is laid on the field."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models_zoo.generator.outlines import Outline
from models_zoo.generator.records import Floats


@dataclass(frozen=True)
class Patch:
    """Pixels around the place `centre` (field pixels) out to `reach` µm; `x`, `y` are their centres in µm from there.
    The patch may reach out of the field."""

    centre: tuple[float, float]
    reach: float
    um_per_px: float

    @cached_property
    def corner(self) -> tuple[int, int]:
        margin = self.reach / self.um_per_px + 2
        return int(np.floor(self.centre[0] - margin)), int(np.floor(self.centre[1] - margin))

    @cached_property
    def side(self) -> int:
        return int(2 * np.ceil(self.reach / self.um_per_px + 2)) + 1

    @property
    def shape(self) -> tuple[int, int]:
        return self.side, self.side

    def _axis(self, which: int) -> Floats:
        places = (self.corner[which] + 0.5 + np.arange(self.side) - self.centre[which]) * self.um_per_px
        return places.astype(np.float32)

    @cached_property
    def x(self) -> Floats:
        return np.broadcast_to(self._axis(0)[None, :], self.shape)

    @cached_property
    def y(self) -> Floats:
        return np.broadcast_to(self._axis(1)[:, None], self.shape)

    def inside(self, outline: Outline, at: tuple[float, float] = (0.0, 0.0)) -> Floats:
        """How far (µm) each pixel is inside `outline` around the place `at`."""
        return outline.inside(self.x - np.float32(at[0]), self.y - np.float32(at[1]))

    def cover(self, inside: Floats, softness: float = 0.0) -> Floats:
        """From distance to share of the pixel covered; `softness` (µm) widens the edge, half covered at the outline."""
        share: Floats = np.clip(inside / np.float32(self.um_per_px + softness) + np.float32(0.5), 0, 1)
        return share


def lay(density: Floats, patch: Patch, layer: Floats, cover: Floats) -> None:
    """Put `layer` (side, side, 3) over the field's optical `density` (h, w, 3) in place, weighted by `cover`."""
    left, top = patch.corner
    height, width = density.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + patch.side, width), min(top + patch.side, height)
    if x0 >= x1 or y0 >= y1:
        return
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    below = density[y0:y1, x0:x1]
    below += cover[part][..., None] * (layer[part] - below)
