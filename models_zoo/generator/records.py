"""What is asked of the generator and what it answers, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Flaw = Literal["blur", "blank", "duplicate"]

# Shares of a normal marrow count, rounded (ICSH reference ranges), with their long tail of rare classes.
CLASS_WEIGHTS: Mapping[str, float] = {
    "seg": 18.0,
    "band": 12.0,
    "polyery": 12.0,
    "lym": 11.0,
    "mmc": 11.0,
    "myc": 10.0,
    "orthoery": 6.0,
    "basery": 4.0,
    "pmo": 4.0,
    "eos": 3.0,
    "blast": 3.0,
    "plasma": 2.0,
    "mono": 2.0,
    "proery": 1.0,
    "baso": 0.4,
    "mega": 0.3,
}


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """How one field is drawn. Lengths are pixels where the name says so, µm otherwise.

    `density` is the mean number of labelled objects; `class_weights` are relative shares of the cells among them;
    `smudge_share` and `artefact_share` are shares of all objects. `overlap` is the share of cells put against a
    neighbour, touching or overlapping it. `red_cells` is the share of the ground that they cover. `strength` scales
    every optical density, `tint` the light (red, green, blue), `vignette` is the loss of light in the corners,
    `sharpness_um` the sigma of the microscope's point spread, `noise` that of the sensor in grey levels.
    `blur_share` and `blank_share` are the chances that the field is out of focus, or shows nothing at all.
    """

    width: int = 640
    height: int = 480
    um_per_px: float = 0.3
    density: float = 25.0
    class_weights: Mapping[str, float] = field(default_factory=lambda: dict(CLASS_WEIGHTS))
    smudge_share: float = 0.06
    artefact_share: float = 0.05
    atypical_share: float = 0.03
    overlap: float = 0.3
    red_cells: float = 0.36
    stain: str = "may-gruenwald-giemsa"
    strength: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.1
    sharpness_um: float = 0.2
    noise: float = 2.5
    blur_share: float = 0.04
    blank_share: float = 0.0
    case: str = "case-1"
    slide: str = "slide-1"


@dataclass(frozen=True, slots=True)
class GeneratedCell:
    """One object and its truth. `contour` (k, 2) and `nucleus` (k, 2) or None hold x, y in field pixels, the corner
    of the first pixel is (0, 0); the contour is the whole cell's outline, also where another cell covers it, clipped
    to the image. `attributes` may hold "cut" (reaches over the border) and "atypical"."""

    label: str
    contour: npt.NDArray[np.float64]
    nucleus: npt.NDArray[np.float64] | None = None
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GeneratedField:
    """One field: `image` (height, width, 3) RGB, its objects in the order they were painted (later covers earlier),
    where it comes from, and its flaw if it has one."""

    image: Pixels
    cells: tuple[GeneratedCell, ...]
    case: str
    slide: str
    um_per_px: float
    stain: str
    flaw: Flaw | None = None
