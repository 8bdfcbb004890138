"""Stains: how light is absorbed by what is on the slide.

Colours mix as in a microscope (Beer and Lambert): each substance has an optical density per channel, light that
crosses it is I0 * exp(-density). So overlapping red cells grow darker by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_zoo.generator.records import Floats

# Colour of each substance on white, as a well stained May-Grünwald-Giemsa smear shows it.
_BASIC = {
    "nucleus": (84, 40, 122),
    "nucleolus": (132, 112, 184),
    "basophilic": (112, 114, 180),
    "greyblue": (168, 170, 204),
    "violetgrey": (164, 150, 178),
    "lilac": (196, 164, 200),
    "azure": (128, 56, 130),
    "black": (58, 24, 88),
    "smear": (138, 84, 160),
    "platelet": (160, 118, 178),
    "precipitate": (52, 30, 84),
}
_ACID = {
    "pink": (226, 202, 208),
    "salmon": (218, 178, 178),
    "orange": (222, 122, 96),
    "debris": (150, 130, 110),
}


@dataclass(frozen=True, slots=True)
class Stain:
    """`ground` is the colour of the empty slide; `azure` and `eosin` scale the densities of basic and acid dyes per
    channel."""

    name: str
    ground: tuple[int, int, int]
    azure: tuple[float, float, float] = (1.0, 1.0, 1.0)
    eosin: tuple[float, float, float] = (1.0, 1.0, 1.0)


STAINS: dict[str, Stain] = {
    stain.name: stain
    for stain in (
        Stain("may-gruenwald-giemsa", (248, 236, 216)),
        Stain("wright-giemsa", (234, 226, 226), (1.2, 1.18, 1.1), (1.25, 1.25, 1.15)),
        Stain("pale", (242, 240, 238), (0.7, 0.7, 0.72), (0.75, 0.75, 0.8)),
        Stain("reddish", (240, 214, 216), (0.82, 1.08, 1.0), (0.85, 1.25, 1.15)),
        Stain("bluish", (216, 222, 228), (1.18, 1.0, 0.72), (1.2, 1.0, 0.75)),
    )
}

Palette = dict[str, Floats]


def palette(name: str, strength: float = 1.0) -> Palette:
    """Density (3,) of every substance under the stain `name`; raises ValueError for a stain that is not in STAINS."""
    if name not in STAINS:
        raise ValueError(f"no stain is called {name!r}; choose one of {', '.join(STAINS)}")
    stain = STAINS[name]
    colours: Palette = {}
    for table, scale in ((_BASIC, stain.azure), (_ACID, stain.eosin)):
        for key, rgb in table.items():
            density = -np.log(np.array(rgb) / 255.0) * np.array(scale) * strength
            colours[key] = density.astype(np.float32)
    return colours
