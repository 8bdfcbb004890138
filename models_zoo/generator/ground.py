"""What lies around the labelled objects and carries no label: fat vacuoles, red cells, platelets, specks of stain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from models_zoo.generator import textures
from models_zoo.generator.cells import Pen
from models_zoo.generator.outlines import Outline, wavy
from models_zoo.generator.patches import Patch, lay
from models_zoo.generator.records import FieldSettings, Floats

Places = npt.NDArray[np.float64]  # (n, 3): x, y, radius in field pixels

_RED_RADIUS_UM = (3.2, 4.0)
_RED_KINDS = 24


def draw_ground(pen: Pen, settings: FieldSettings, taken: Places) -> Floats:
    """Optical density (h, w, 3) of everything unlabelled; red cells keep clear of most of `taken`."""
    density = _clouds(pen, settings)
    holes = _fat(pen, settings, density)
    _red_cells(pen, settings, density, np.vstack([taken, holes]))
    _platelets(pen, settings, density)
    _specks(pen, settings, density)
    return density


def _clouds(pen: Pen, settings: FieldSettings) -> Floats:
    """A film of plasma that has taken a little stain, thicker here and thinner there."""
    rough = Image.fromarray(textures.grain(pen.rng, (settings.height // 32 + 2, settings.width // 32 + 2), 3.0))
    film = np.asarray(rough.resize((settings.width, settings.height), Image.Resampling.BILINEAR))
    density: Floats = np.float32(0.012) * (film + np.float32(1.5))[..., None] * pen.colours["pink"]
    density /= pen.colours["pink"].mean()
    return density


def _fat(pen: Pen, settings: FieldSettings, density: Floats) -> Places:
    """Fat vacuoles: round clear holes with a thin rim, in about one field of six."""
    rng, found = pen.rng, []
    for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.16 else 0):
        x, y, radius = rng.uniform(0, settings.width), rng.uniform(0, settings.height), rng.uniform(8, 26)
        outline = wavy(rng, radius, 0.02)
        patch = Patch((x, y), outline.reach + 1, pen.um_per_px)
        inside = patch.inside(outline)
        rim = np.exp(-((inside / np.float32(0.6)) ** 2))
        lay(density, patch, (0.25 * rim)[..., None] * pen.colours["lilac"], patch.cover(inside + 1))
        found.append((x, y, radius / pen.um_per_px))
    return np.array(found).reshape(-1, 3)


def _red_stamps(pen: Pen) -> list[Floats]:
    """Red cells of several shapes: a thick ring with a paler centre; some without pallor, some oval."""
    rng, stamps = pen.rng, []
    for _ in range(_RED_KINDS):
        radius = rng.uniform(*_RED_RADIUS_UM)
        outline = wavy(rng, radius, 0.035, 1 + 0.3 * rng.beta(1, 3), rng.uniform(0, np.pi), order=5)
        patch = Patch((0.0, 0.0), outline.reach, pen.um_per_px)
        inside = patch.inside(outline)
        deep = np.clip(inside / np.float32(radius), 0, 1)
        pallor = rng.uniform(0.1, 0.7) * np.exp(-(((1 - deep) / rng.uniform(0.4, 0.62)) ** 3))
        rim = 0.12 * np.exp(-((inside / np.float32(0.5)) ** 2))
        thick = patch.cover(inside, 0.4) * (1 + rim - pallor) * np.float32(rng.uniform(0.8, 1.15))
        stamps.append(thick[..., None] * pen.colours["salmon"])
    return stamps


def _red_cells(pen: Pen, settings: FieldSettings, density: Floats, taken: Places) -> None:
    rng = pen.rng
    mean = sum(_RED_RADIUS_UM) / 2 / pen.um_per_px
    wanted = round(settings.red_cells * settings.width * settings.height / (np.pi * mean * mean))
    stamps = _red_stamps(pen)
    for x, y in _scattered(rng, settings, taken, mean, wanted):
        _press(density, stamps[int(rng.integers(_RED_KINDS))], round(x), round(y))


def _scattered(
    rng: np.random.Generator, settings: FieldSettings, taken: Places, radius: float, wanted: int
) -> list[tuple[float, float]]:
    """Up to `wanted` places that mostly keep off each other and off `taken`; a few overlap, as on a real slide."""
    tries = rng.uniform((-radius, -radius), (settings.width + radius, settings.height + radius), (3 * wanted, 2))
    gap = np.hypot(tries[:, None, 0] - taken[None, :, 0], tries[:, None, 1] - taken[None, :, 1])
    closeness = (gap - taken[None, :, 2]).min(axis=1, initial=np.inf)
    tries = tries[closeness > radius * rng.uniform(0.2, 1.0, len(tries))]
    kept = np.empty((0, 2))
    apart = 2 * radius * rng.choice([0.55, 0.9, 1.0], len(tries), p=[0.12, 0.38, 0.5])
    for place, distance in zip(tries, apart, strict=True):
        if len(kept) == wanted:
            break
        if not len(kept) or np.hypot(*(kept - place).T).min() > distance:
            kept = np.vstack([kept, place])
    return [(float(x), float(y)) for x, y in kept]


def _press(density: Floats, stamp: Floats, x: int, y: int) -> None:
    """Put `stamp` around x, y: overlapping red cells absorb more, but thin out where they press on each other."""
    side, (height, width) = stamp.shape[0], density.shape[:2]
    left, top = x - side // 2, y - side // 2
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x0 < x1 and y0 < y1:
        below, above = density[y0:y1, x0:x1], stamp[y0 - top : y1 - top, x0 - left : x1 - left]
        below[...] = np.maximum(below, above) + np.float32(0.6) * np.minimum(below, above)


def _platelets(pen: Pen, settings: FieldSettings, density: Floats) -> None:
    rng = pen.rng
    area = settings.width * settings.height * pen.um_per_px**2
    for _ in range(int(rng.poisson(area / 3000))):
        outline = wavy(rng, rng.uniform(0.8, 1.7), 0.08, rng.uniform(1, 1.6), rng.uniform(0, np.pi))
        patch = Patch((rng.uniform(0, settings.width), rng.uniform(0, settings.height)), outline.reach, pen.um_per_px)
        dye = 1 + 0.4 * textures.grain(rng, patch.shape, 0.6 / pen.um_per_px)
        layer = (
            np.maximum(dye, np.float32(0.3))[..., None] * pen.colours["platelet"] * np.float32(rng.uniform(0.8, 1.4))
        )
        lay(density, patch, layer, patch.cover(patch.inside(outline), 0.4) * np.float32(0.85))


def _specks(pen: Pen, settings: FieldSettings, density: Floats) -> None:
    """Precipitated stain: few tiny dark dots, now and then a shower of them."""
    rng = pen.rng
    count = int(rng.poisson(40 if rng.random() < 0.08 else 3))
    for _ in range(count):
        radius = rng.uniform(0.15, 0.6)
        patch = Patch((rng.uniform(0, settings.width), rng.uniform(0, settings.height)), radius, pen.um_per_px)
        inside = patch.inside(Outline(np.full(257, radius)))
        lay(density, patch, np.broadcast_to(pen.colours["precipitate"], (*patch.shape, 3)), 0.7 * patch.cover(inside))
