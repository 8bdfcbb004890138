"""One nucleated cell: outline, cytoplasm, granules, nucleus, in the order in which they cover each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models_zoo.generator import nuclei, textures
from models_zoo.generator.morphology import MORPHOLOGY, Granules, Morphology
from models_zoo.generator.outlines import Outline, wavy
from models_zoo.generator.patches import Patch
from models_zoo.generator.records import Floats
from models_zoo.generator.stains import Palette


@dataclass(frozen=True, slots=True)
class Drawing:
    """One object ready to be laid on the field: optical density `layer` (side, side, 3), its `cover` (side, side), the
    `outline` around the patch's centre, the nucleus' depth map (None: there is no nucleus)."""

    patch: Patch
    layer: Floats
    cover: Floats
    outline: Outline
    nucleus: Floats | None
    atypical: bool = False


@dataclass(frozen=True, slots=True)
class Pen:
    """What drawing needs at every step."""

    rng: np.random.Generator
    colours: Palette
    um_per_px: float


def draw_cell(pen: Pen, label: str, centre: tuple[float, float], radius: float, *, atypical: bool = False) -> Drawing:
    """A cell of class `label` (a key of MORPHOLOGY) and `radius` µm around `centre` (field pixels)."""
    rng, form = pen.rng, MORPHOLOGY[label]
    if atypical:
        form, radius = _atypical(rng, form), radius * rng.uniform(0.9, 1.25)
    axis = rng.uniform(-np.pi, np.pi)
    outline = wavy(rng, radius, form.roughness, rng.uniform(*form.stretch), axis)
    patch = Patch(centre, outline.reach, pen.um_per_px)
    inside = patch.inside(outline)
    nucleus = nuclei.shape(rng, form, patch, radius, axis)
    kept = np.minimum(nucleus.inside, inside - np.float32(0.25))
    nucleus = replace(nucleus, inside=kept)
    layer = _cytoplasm(pen, form, patch, inside, nucleus)
    over = patch.cover(kept, 0.15)
    layer += over[..., None] * (_nuclear(pen, form, patch, nucleus) - layer)
    for granules in form.granules:
        _granulate(pen, granules, patch, layer, over)
    return Drawing(patch, layer, patch.cover(inside), outline, kept, atypical)


def _atypical(rng: np.random.Generator, form: Morphology) -> Morphology:
    """A dysplastic cell: larger nucleus, more open chromatin, vacuoles, fewer granules."""
    low, high = form.ratio
    chromatin = replace(form.chromatin, depth=(form.chromatin.depth[0] * 0.8, form.chromatin.depth[1] * 0.9))
    granules = form.granules if rng.random() < 0.5 else ()
    return replace(
        form, ratio=(low, min(0.93, high * 1.15)), chromatin=chromatin, granules=granules, vacuoles=0.6, roughness=0.07
    )


def _cytoplasm(pen: Pen, form: Morphology, patch: Patch, inside: Floats, nucleus: nuclei.Nucleus) -> Floats:
    rng = pen.rng
    first, second = (pen.colours[name] for name in form.cytoplasm)
    colour = np.maximum(first + np.float32(rng.uniform(*form.mix)) * (second - first), 0)
    dye = 1 + 0.13 * textures.grain(rng, patch.shape, 1.2 / patch.um_per_px)
    dye += 0.16 * np.exp(-((np.maximum(inside, 0) / np.float32(0.9)) ** 2))  # thicker look towards the rim
    halo = rng.uniform(*form.halo)
    if halo > 0:
        dye *= 1 - halo * _halo(patch, nucleus)
    if rng.random() < form.vacuoles:
        dye *= 1 - 0.8 * _vacuoles(pen, patch, nucleus.radius)
    dye *= np.float32(rng.uniform(0.85, 1.12))
    layer: Floats = np.maximum(dye, np.float32(0.05))[..., None] * colour
    return layer


def _halo(patch: Patch, nucleus: nuclei.Nucleus) -> Floats:
    """The pale Golgi zone: beside the nucleus, on the side of the cell's centre."""
    x, y = nucleus.centre
    way = np.hypot(x, y)
    toward = (-x / way, -y / way) if way > 0.05 else (1.0, 0.0)
    at = (x + toward[0] * nucleus.radius * 1.2, y + toward[1] * nucleus.radius * 1.2)
    gap = np.hypot(patch.x - np.float32(at[0]), patch.y - np.float32(at[1])) / np.float32(nucleus.radius * 0.7)
    glow: Floats = np.exp(-(gap**2))
    return glow


def _vacuoles(pen: Pen, patch: Patch, spread: float) -> Floats:
    rng, found = pen.rng, np.zeros(patch.shape, np.float32)
    for _ in range(int(rng.integers(1, 6))):
        angle, way = rng.uniform(0, 2 * np.pi), spread * rng.uniform(0.6, 1.4)
        hole = Outline(np.full(257, rng.uniform(0.4, 0.9)))
        found = np.maximum(found, patch.cover(patch.inside(hole, (way * np.cos(angle), way * np.sin(angle))), 0.2))
    return found


def _nuclear(pen: Pen, form: Morphology, patch: Patch, nucleus: nuclei.Nucleus) -> Floats:
    dye = nuclei.chromatin(pen.rng, form.chromatin, patch, nucleus)[..., None] * pen.colours["nucleus"]
    if form.nucleoli[1]:
        spots = 0.75 * nuclei.nucleoli(pen.rng, form, patch, nucleus)[..., None]
        dye += spots * (pen.colours["nucleolus"] * np.float32(1.1) - dye)
    return dye


def _granulate(pen: Pen, granules: Granules, patch: Patch, layer: Floats, nucleus: Floats) -> None:
    spots = textures.dots(
        pen.rng, patch.shape, granules.diameter / patch.um_per_px, granules.density * patch.um_per_px**2
    )
    cover = np.clip(spots * np.float32(pen.rng.uniform(*granules.cover)), 0, 1)
    cover *= 1 - nucleus * np.float32(1 - granules.over)
    layer += cover[..., None] * (pen.colours[granules.colour] - layer)
