"""A contact sheet: examples of each class, enlarged, for the docs and for the eye."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from models_zoo.generator.field import generate_field
from models_zoo.generator.morphology import CLASSES, DIAMETERS, EXCLUDED, MORPHOLOGY
from models_zoo.generator.records import FieldSettings, Pixels

_TILE_UM = 26.0


def contact_sheet(
    classes: Sequence[str] = CLASSES,
    seed: int = 0,
    *,
    examples: int = 8,
    stain: str = "may-gruenwald-giemsa",
    um_per_px: float = 0.1,
) -> Pixels:
    """One row per class with its key and `examples` single cells among red cells: RGB (h, w, 3).

    A tile shows 26 µm, for larger classes as much as the largest needs, then scaled to the same size. Raises ValueError
    for an unknown class or stain.
    """
    unknown = sorted(set(classes) - set(CLASSES))
    if unknown:
        raise ValueError(f"no class is called {', '.join(unknown)}; known are {', '.join(CLASSES)}")
    side = round(_TILE_UM / um_per_px)
    sheet = Image.new("RGB", (examples * side, len(classes) * side), "white")
    pen = ImageDraw.Draw(sheet)
    for row, label in enumerate(classes):
        for column in range(examples):
            tile = Image.fromarray(_tile(label, (seed, row, column), stain, um_per_px)).resize((side, side))
            sheet.paste(tile, (column * side, row * side))
        pen.text((4, row * side + 2), label, fill="black")
    return np.asarray(sheet).copy()


def _tile(label: str, seed: tuple[int, ...], stain: str, um_per_px: float) -> Pixels:
    """A square around the object of `label` that lies nearest to the middle of a thin field."""
    wide = max(_TILE_UM, DIAMETERS[label][1] * 1.15)
    scale = um_per_px * wide / _TILE_UM
    side = round(3 * wide / scale)
    excluded = label in EXCLUDED
    settings = FieldSettings(
        width=side,
        height=side,
        um_per_px=scale,
        density=6.0 if wide == _TILE_UM else 2.0,
        class_weights={next(iter(MORPHOLOGY)) if excluded else label: 1.0},
        smudge_share=1.0 if label == "smudge" else 0.0,
        artefact_share=1.0 if label == "artefact" else 0.0,
        atypical_share=0.0,
        stain=stain,
        blur_share=0.0,
        vignette=0.0,
    )
    drawn = generate_field(seed, settings)
    middles = [(cell.contour.min(axis=0) + cell.contour.max(axis=0)) / 2 for cell in drawn.cells]
    middle = min(middles, key=lambda place: float(np.abs(place - side / 2).max()))
    half = side // 6
    x, y = (int(np.clip(value, half, side - half)) for value in middle)
    return drawn.image[y - half : y + half, x - half : x + half]
