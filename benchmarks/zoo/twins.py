"""Pictures that are one picture: a YOLO set freed of twins, its own and those of another set, by difference hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

# As in benchmarks/smears.py: of pairs that differ in at most 6 of 64 bits nearly all are one picture in two sizes.
TWIN_BITS = 6


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a YOLO set with its label lines, each once."""

    path: Path
    lines: tuple[str, ...]
    split: str
    width: int
    height: int

    @property
    def key(self) -> str:
        return self.path.stem


def pictures_of(root: Path) -> list[Picture]:
    """All labelled pictures of `root`/images/train and val, in the order of their names."""
    found = []
    for split in ("train", "val"):
        for path in sorted((root / "images" / split).iterdir()):
            text = (root / "labels" / split / f"{path.stem}.txt").read_text()
            lines = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
            with Image.open(path) as image:
                found.append(Picture(path, lines, split, *image.size))
    return found


def hashed(path: Path) -> np.ndarray:
    """(64,) bits: whether each of 8 x 8 places is darker than its right neighbour, in grey, 9 x 8 pixels."""
    with Image.open(path) as image:
        small = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS), np.int16)
    return np.asarray((small[:, 1:] > small[:, :-1]).ravel())


def apart(pictures: Sequence[Picture], strangers: Sequence[Path]) -> tuple[list[Picture], dict[str, int]]:
    """(kept, how many went and why): none kept is a twin of a stranger or of another that is kept.

    Of twins inside the set the one of the later split stays (val before train), there the first by name.
    """
    foreign = np.array([hashed(path) for path in strangers]).reshape(-1, 64)
    kept, bits = list[Picture](), list[np.ndarray]()
    gone = {"twins of BCCD": 0, "twins inside": 0}
    for one in sorted(pictures, key=lambda one: (one.split != "val", one.key)):
        mine = hashed(one.path)
        if len(foreign) and (foreign != mine).sum(1).min() <= TWIN_BITS:
            gone["twins of BCCD"] += 1
        elif bits and (np.array(bits) != mine).sum(1).min() <= TWIN_BITS:
            gone["twins inside"] += 1
        else:
            kept.append(one)
            bits.append(mine)
    return kept, gone
