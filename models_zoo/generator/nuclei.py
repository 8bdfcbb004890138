"""Nuclei: their shapes and their chromatin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models_zoo.generator import textures
from models_zoo.generator.outlines import Points, dented, tube, wavy
from models_zoo.generator.patches import Patch
from models_zoo.generator.records import Floats

if TYPE_CHECKING:
    from models_zoo.generator.morphology import Chromatin, Morphology


@dataclass(frozen=True, slots=True)
class Nucleus:
    """`inside`: how far (µm) each pixel of the patch is inside; `centre` and `radius` in µm from the cell's centre."""

    inside: Floats
    centre: tuple[float, float]
    radius: float


def shape(rng: np.random.Generator, form: Morphology, patch: Patch, radius: float, axis: float) -> Nucleus:
    """A nucleus for a cell of `radius` µm whose long axis points to the angle `axis`."""
    kind = form.kinds[rng.integers(len(form.kinds))]
    if kind in ("round", "bean"):
        return _blob(rng, form, patch, radius, axis)
    if kind == "lobulated":
        return _lobulated(rng, form, patch, radius, axis)
    return _segments(rng, form, patch, radius, axis, curved=kind == "band")


def _blob(rng: np.random.Generator, form: Morphology, patch: Patch, radius: float, axis: float) -> Nucleus:
    size = radius * rng.uniform(*form.ratio)
    way = max(0.0, radius * 0.98 - size) * rng.uniform(*form.eccentric)
    centre = (way * np.cos(axis), way * np.sin(axis))
    outline = wavy(rng, size, 0.035, rng.uniform(1.0, 1.18), rng.uniform(0, np.pi), order=5)
    depth = rng.uniform(*form.dent)
    if depth > 0:
        outline = dented(outline, depth, axis + np.pi + rng.normal(0, 0.3), rng.uniform(0.45, 0.8))
    return Nucleus(patch.inside(outline, centre), centre, size)


def _segments(
    rng: np.random.Generator, form: Morphology, patch: Patch, radius: float, axis: float, *, curved: bool
) -> Nucleus:
    """A nucleus along an arc: an even band, or lobes with bridges between them."""
    lobes = form.lobes[0] + int(rng.binomial(form.lobes[1] - form.lobes[0], 0.45))
    thick = radius * rng.uniform(*form.ratio) * (1.0 if curved else (1.15, 1.0, 0.88, 0.78)[min(lobes, 5) - 2]) * 0.5
    arc = radius * (rng.uniform(0.42, 0.54) if curved else rng.uniform(0.46, 0.58))
    span = rng.uniform(2.2, 3.9) if curved else min(4.9, 1.8 * (lobes - 1) * rng.uniform(0.8, 1.15))
    steps = np.linspace(0, 1, 5 * lobes + 4)
    angle = axis + span * (steps - 0.5) + rng.normal(0, 0.12)
    bend = arc * (1 + rng.uniform(0.05, 0.3) * np.sin(2 * np.pi * steps * rng.uniform(0.7, 1.6) + rng.uniform(0, 6)))
    if not curved:  # lobes stand out of line, else they look like beads on a ring
        bend = bend + np.interp(steps, np.linspace(0, 1, lobes), radius * rng.normal(0, 0.14, lobes))
    shift = radius * rng.uniform(0.0, 0.18)
    spine = np.stack([bend * np.cos(angle) - shift * np.cos(axis), bend * np.sin(angle) - shift * np.sin(axis)], 1)
    swell = np.abs(np.cos(np.pi * (lobes - 1) * steps)) ** (0.8 if curved else 1.4)
    neck = rng.uniform(*form.neck)
    sizes = np.interp(steps, np.linspace(0, 1, lobes), rng.uniform(0.78, 1.18, lobes))
    profile = thick * sizes * (neck + (1 - neck) * swell)
    inside = tube(patch.x, patch.y, spine, profile)
    centre = spine.mean(axis=0)
    return Nucleus(inside, (float(centre[0]), float(centre[1])), radius * 0.6)


def _lobulated(rng: np.random.Generator, form: Morphology, patch: Patch, radius: float, axis: float) -> Nucleus:
    """The large folded nucleus of a megakaryocyte: round lobes that run together."""
    size = radius * rng.uniform(*form.ratio)
    lobes = int(rng.integers(form.lobes[0], form.lobes[1] + 1))
    way = (radius - size) * rng.uniform(*form.eccentric)
    centre = (way * np.cos(axis), way * np.sin(axis))
    angle = np.linspace(0, 2 * np.pi, lobes, endpoint=False) + rng.normal(0, 0.35, lobes)
    out = size * rng.uniform(0.25, 0.66, lobes)
    spine: Points = np.stack([centre[0] + out * np.cos(angle), centre[1] + out * np.sin(angle)], axis=1)
    spine = np.vstack([spine, [centre]])
    thickness = np.append(size * rng.uniform(0.2, 0.5, lobes), size * 0.5)
    return Nucleus(tube(patch.x, patch.y, spine, thickness, blend=0.07 * size), centre, size)


def chromatin(rng: np.random.Generator, look: Chromatin, patch: Patch, nucleus: Nucleus) -> Floats:
    """Multiplier (side, side) of the nuclear dye: texture, blocks of a wheel, a darker membrane."""
    noise = textures.grain(rng, patch.shape, look.grain / patch.um_per_px)
    texture = 1 + rng.uniform(*look.contrast) * np.tanh(noise * np.float32(1.3))
    if look.wheel:
        dx, dy = patch.x - np.float32(nucleus.centre[0]), patch.y - np.float32(nucleus.centre[1])
        spokes = np.cos(rng.integers(5, 9) * np.arctan2(dy, dx) + rng.uniform(0, 6))
        texture += look.wheel * spokes * np.clip(np.hypot(dx, dy) / nucleus.radius, 0, 1) ** 2
    rim = np.exp(-((np.maximum(nucleus.inside, 0) / np.float32(0.45)) ** 2))
    dye: Floats = np.float32(rng.uniform(*look.depth)) * np.maximum(texture, np.float32(0.35)) * (1 + 0.14 * rim)
    return dye


def nucleoli(rng: np.random.Generator, form: Morphology, patch: Patch, nucleus: Nucleus) -> Floats:
    """Cover (side, side) of the paler, bluish nucleoli."""
    found = np.zeros(patch.shape, np.float32)
    for _ in range(int(rng.integers(form.nucleoli[0], form.nucleoli[1] + 1))):
        way, angle = nucleus.radius * rng.uniform(0.1, 0.65), rng.uniform(0, 2 * np.pi)
        at = (nucleus.centre[0] + way * np.cos(angle), nucleus.centre[1] + way * np.sin(angle))
        spot = patch.inside(wavy(rng, rng.uniform(0.7, 1.5), 0.06), at)
        found = np.maximum(found, patch.cover(spot, 0.5))
    return found
