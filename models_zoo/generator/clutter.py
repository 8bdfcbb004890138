"""What is labelled but not counted: smudges (naked, smeared nuclei) and artefacts (debris, stain, platelet clumps)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models_zoo.generator import textures
from models_zoo.generator.cells import Drawing, Pen
from models_zoo.generator.outlines import wavy
from models_zoo.generator.patches import Patch
from models_zoo.generator.records import Floats


def draw_clutter(pen: Pen, label: str, centre: tuple[float, float], radius: float) -> Drawing:
    """A smudge or an artefact of `radius` µm around `centre` (field pixels)."""
    if label == "smudge":
        return _smudge(pen, centre, radius)
    return _KINDS[int(pen.rng.integers(len(_KINDS)))](pen, centre, radius)


def _smudge(pen: Pen, centre: tuple[float, float], radius: float) -> Drawing:
    """Chromatin without cytoplasm: torn into strands along one direction, or a naked nucleus still nearly round."""
    rng, axis = pen.rng, pen.rng.uniform(-np.pi, np.pi)
    naked = rng.random() < 0.3
    if naked:
        outline = wavy(rng, radius * 0.75, 0.06, rng.uniform(1.0, 1.2), axis)
    else:
        outline = wavy(rng, radius, 0.13, rng.uniform(1.0, 1.8), axis, order=8)
    patch = Patch(centre, outline.reach, pen.um_per_px)
    inside = patch.inside(outline)
    coarse = textures.grain(rng, patch.shape, 1.5 / patch.um_per_px)
    fine = textures.grain(rng, patch.shape, 0.7 / patch.um_per_px)
    across = patch.x * np.float32(np.sin(axis)) - patch.y * np.float32(np.cos(axis))
    strands = np.sin(across * np.float32(rng.uniform(0.9, 2.4)) + 2 * coarse) * np.float32(0 if naked else 1)
    fade = np.clip(inside / np.float32(radius * rng.uniform(0.25, 0.6)), 0.35, 1)
    dye = fade * np.maximum(1 + 0.22 * coarse + 0.12 * fine + 0.15 * strands, np.float32(0.4))
    layer = (dye * np.float32(rng.uniform(0.75, 1.15)))[..., None] * pen.colours["smear"]
    return Drawing(patch, layer, patch.cover(inside, 0.5), outline, None)


def _speckled(
    pen: Pen, centre: tuple[float, float], radius: float, colour: str, rough: float, look: tuple[float, float, float]
) -> tuple[Drawing, Floats]:
    """A grainy lump; `look`: grain µm, contrast, depth."""
    rng = pen.rng
    outline = wavy(rng, radius, rough, rng.uniform(1.0, 1.5), rng.uniform(-np.pi, np.pi), order=9)
    patch = Patch(centre, outline.reach, pen.um_per_px)
    inside = patch.inside(outline)
    noise = textures.grain(rng, patch.shape, look[0] / patch.um_per_px)
    dye = np.maximum(1 + look[1] * noise, np.float32(0.3)) * np.float32(look[2])
    drawing = Drawing(patch, dye[..., None] * pen.colours[colour], patch.cover(inside), outline, None)
    return drawing, inside


def _stain_clump(pen: Pen, centre: tuple[float, float], radius: float) -> Drawing:
    return _speckled(pen, centre, radius * 0.7, "precipitate", 0.16, (0.8, 0.35, pen.rng.uniform(0.6, 1.1)))[0]


def _platelet_clump(pen: Pen, centre: tuple[float, float], radius: float) -> Drawing:
    drawing, _ = _speckled(pen, centre, radius, "platelet", 0.13, (0.7, 0.3, pen.rng.uniform(0.8, 1.2)))
    spots = textures.dots(pen.rng, drawing.patch.shape, 0.6 / pen.um_per_px, 0.8 * pen.um_per_px**2)
    drawing.layer[...] += 0.6 * np.clip(spots, 0, 1)[..., None] * (pen.colours["azure"] - drawing.layer)
    return drawing


def _debris(pen: Pen, centre: tuple[float, float], radius: float) -> Drawing:
    """A speck of dirt: brownish, its rim darker because it lies out of the plane."""
    drawing, inside = _speckled(pen, centre, radius * 0.6, "debris", 0.12, (1.2, 0.25, pen.rng.uniform(0.5, 1.2)))
    drawing.layer[...] *= (1 + 0.5 * np.exp(-((inside / np.float32(0.7)) ** 2)))[..., None]
    return drawing


_KINDS: tuple[Callable[[Pen, tuple[float, float], float], Drawing], ...] = (_stain_clump, _platelet_clump, _debris)
