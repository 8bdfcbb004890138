"""What tells the classes apart, as ranges that are drawn from. Neighbouring stages share part of their ranges, as in
real marrow, where experts disagree about them. Diameters in µm from atlases (ASH image bank, Bern haematology)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Range = tuple[float, float]
NucleusKind = Literal["round", "bean", "band", "lobes", "lobulated"]


@dataclass(frozen=True, slots=True)
class Chromatin:
    """`grain` of the texture in µm, its `contrast`, the nucleus' `depth` of colour, `wheel`: blocks along the rim."""

    grain: float
    contrast: Range
    depth: Range
    wheel: float = 0.0


@dataclass(frozen=True, slots=True)
class Granules:
    """`diameter` in µm, `density` per µm², `cover` how strongly they stain, `over` how visible they are on the
    nucleus."""

    colour: str
    diameter: float
    density: float
    cover: Range
    over: float = 0.0


@dataclass(frozen=True, slots=True)
class Morphology:
    """`ratio` is nuclear over cell diameter (tubes: thickness of the nucleus over the cell's radius); `eccentric` the
    share of the free way to the rim that the nucleus is moved; `mix` the part of the second cytoplasm colour; `halo`
    the paleness beside the nucleus; `neck` the thickness of bridges over that of lobes."""

    diameter: Range
    ratio: Range
    chromatin: Chromatin
    cytoplasm: tuple[str, str]
    mix: Range = (0.0, 1.0)
    kinds: tuple[NucleusKind, ...] = ("round",)
    eccentric: Range = (0.0, 0.4)
    dent: Range = (0.0, 0.0)
    lobes: tuple[int, int] = (1, 1)
    neck: Range = (1.0, 1.0)
    nucleoli: tuple[int, int] = (0, 0)
    granules: tuple[Granules, ...] = ()
    halo: Range = (0.0, 0.0)
    vacuoles: float = 0.03
    roughness: float = 0.03
    stretch: Range = (1.0, 1.12)


_FINE = Chromatin(0.6, (0.10, 0.24), (0.66, 0.92))
_OPEN = Chromatin(0.7, (0.16, 0.28), (0.75, 0.95))
_COARSE = Chromatin(0.9, (0.2, 0.36), (0.84, 1.1))
_CLUMPED = Chromatin(1.05, (0.26, 0.42), (0.95, 1.18))
_PYKNOTIC = Chromatin(0.85, (0.05, 0.2), (1.08, 1.4))

# Erythroblasts lose their blue (RNA) as they fill with haemoglobin.
_MATURING = ("basophilic", "salmon")

_AZUROPHIL = Granules("azure", 0.5, 1.3, (0.6, 1.0), over=0.55)
_SPECIFIC = Granules("azure", 0.35, 0.9, (0.12, 0.35))
_EOSINOPHIL = Granules("orange", 0.75, 1.5, (0.8, 1.1), over=0.15)
_BASOPHIL = Granules("black", 0.8, 0.55, (0.8, 1.1), over=0.85)

MORPHOLOGY: dict[str, Morphology] = {
    "blast": Morphology(
        (11, 19), (0.76, 0.92), _FINE, ("greyblue", "basophilic"), (0.2, 0.95), nucleoli=(0, 4), roughness=0.04
    ),
    "pmo": Morphology(
        (15, 22), (0.62, 0.76), Chromatin(0.65, (0.14, 0.24), (0.72, 0.9)), ("greyblue", "basophilic"), (0.1, 0.7),
        eccentric=(0.4, 1.0), dent=(0.0, 0.15), nucleoli=(0, 2), granules=(_AZUROPHIL,), halo=(0.1, 0.4),
        roughness=0.04,
    ),
    "myc": Morphology(
        (12, 18), (0.54, 0.68), _OPEN, ("pink", "greyblue"), (0.2, 0.8), ("bean",), (0.5, 1.0), (0.0, 0.24),
        granules=(_SPECIFIC,), halo=(0.0, 0.2),
    ),
    "mmc": Morphology(
        (11, 16), (0.58, 0.70), _COARSE, ("pink", "greyblue"), (0.0, 0.5), ("bean",), (0.5, 1.0), (0.22, 0.52),
        granules=(_SPECIFIC,),
    ),
    "band": Morphology(
        (10, 15), (0.46, 0.60), _CLUMPED, ("pink", "greyblue"), (0.0, 0.3), ("band",), neck=(0.55, 1.0), lobes=(2, 3),
        granules=(_SPECIFIC,),
    ),
    "seg": Morphology(
        (10, 15), (0.54, 0.70), _CLUMPED, ("pink", "greyblue"), (0.0, 0.2), ("lobes",), lobes=(2, 5),
        neck=(0.1, 0.5), granules=(_SPECIFIC,),
    ),
    "eos": Morphology(
        (12, 17), (0.55, 0.68), _CLUMPED, ("pink", "orange"), (0.2, 0.5), ("lobes", "lobes", "lobes", "bean"),
        (0.6, 1.0), (0.1, 0.4), (2, 3), (0.12, 0.4), granules=(_EOSINOPHIL,),
    ),
    "baso": Morphology(
        (10, 14), (0.6, 0.8), _COARSE, ("pink", "lilac"), (0.2, 1.0), ("lobes", "bean"), (0.2, 0.8), (0.1, 0.4),
        (2, 3), (0.4, 0.8), granules=(_BASOPHIL,), roughness=0.04,
    ),
    "mono": Morphology(
        (14, 20), (0.66, 0.80), Chromatin(0.85, (0.16, 0.3), (0.68, 0.86)), ("greyblue", "violetgrey"), (0.0, 0.7),
        ("bean",), (0.2, 0.8), (0.2, 0.55), granules=(Granules("azure", 0.35, 0.5, (0.08, 0.25)),), vacuoles=0.5,
        roughness=0.06, stretch=(1.0, 1.3),
    ),
    "lym": Morphology(
        (7, 13), (0.74, 0.93), Chromatin(1.0, (0.16, 0.4), (0.84, 1.15)), ("greyblue", "basophilic"), (0.0, 0.6),
        ("round", "bean"), (0.2, 1.0), (0.0, 0.15), roughness=0.04,
    ),
    "plasma": Morphology(
        (10, 17), (0.46, 0.58), Chromatin(1.0, (0.2, 0.34), (0.95, 1.15), wheel=0.3), ("basophilic", "violetgrey"),
        (0.0, 0.35), eccentric=(0.8, 1.05), halo=(0.6, 0.9), vacuoles=0.2, stretch=(1.1, 1.45), roughness=0.04,
    ),
    "proery": Morphology(
        (14, 23), (0.76, 0.87), Chromatin(0.6, (0.14, 0.24), (0.78, 0.98)), ("basophilic", "basophilic"),
        nucleoli=(1, 2), halo=(0.0, 0.25), roughness=0.04,
    ),
    "basery": Morphology(
        (11.5, 17), (0.62, 0.79), _COARSE, _MATURING, (0.0, 0.38), eccentric=(0.0, 0.5), halo=(0.0, 0.15)
    ),
    "polyery": Morphology((9, 14.5), (0.48, 0.70), _CLUMPED, _MATURING, (0.22, 0.82), eccentric=(0.0, 0.8)),
    "orthoery": Morphology(
        (7.5, 12), (0.38, 0.58), _PYKNOTIC, _MATURING, (0.66, 1.03), eccentric=(0.1, 1.0)
    ),
    "mega": Morphology(
        (28, 60), (0.64, 0.86), Chromatin(1.3, (0.2, 0.32), (0.85, 1.05)), ("lilac", "pink"), (0.0, 0.6),
        ("lobulated",), (0.1, 0.7), lobes=(4, 9), granules=(Granules("azure", 0.45, 1.0, (0.2, 0.45), over=0.1),),
        roughness=0.08, stretch=(1.0, 1.3),
    ),
}  # fmt: skip

EXCLUDED = ("smudge", "artefact")
CLASSES: tuple[str, ...] = (*MORPHOLOGY, *EXCLUDED)
DIAMETERS: dict[str, Range] = {
    **{key: form.diameter for key, form in MORPHOLOGY.items()},
    "smudge": (10, 22),
    "artefact": (4, 14),
}
