"""A YOLO data set for a benchmark: read, freed of twins, drawn into parts, written anew."""

from __future__ import annotations

import json
import random
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from annotation.imaging.phash import difference_hash
from annotation.splits import Groups, twins
from benchmarks.frame import CannotMeasureError
from models_zoo.metrics import Truth

# Of txl-pbc's pairs that differ in at most 6 of 64 bits nearly all are one picture in two sizes; beyond, most are
# different smears.
TWIN_BITS = 6


@dataclass(frozen=True, slots=True)
class Smear:
    """One picture with its label lines (`class x y w h`, shares of the sides), each line once."""

    picture: Path
    lines: tuple[str, ...]
    split: str
    width: int
    height: int
    phash: int

    @property
    def key(self) -> str:
        return self.picture.stem

    def truth(self) -> Truth:
        """Boxes in pixels of the picture, labels as numbers of the data set's classes."""
        rows = np.array([[float(word) for word in line.split()[:5]] for line in self.lines]).reshape(-1, 5)
        centres, half = rows[:, 1:3], rows[:, 3:5] / 2
        boxes = np.concatenate([centres - half, centres + half], 1) * np.tile((self.width, self.height), 2)
        return Truth(boxes, rows[:, 0].astype(np.intp), self.key)


def class_names(root: Path) -> tuple[str, ...]:
    names = yaml.safe_load((root / "data.yaml").read_text())["names"]
    return tuple(names[number] for number in sorted(names)) if isinstance(names, dict) else tuple(names)


def read(root: Path, splits: Sequence[str] = ("train", "val")) -> list[Smear]:
    """All labelled pictures of `root`/images/SPLIT, in the order of their names; a doubled object counts once."""
    found = []
    for split in splits:
        for picture in sorted((root / "images" / split).iterdir()):
            labels = root / "labels" / split / f"{picture.stem}.txt"
            lines = dict.fromkeys(line.strip() for line in labels.read_text().splitlines() if line.strip())
            with Image.open(picture) as image:
                found.append(Smear(picture, tuple(lines), split, *image.size, difference_hash(image)))
    return found


def without_twins(smears: Sequence[Smear], bits: int = TWIN_BITS) -> tuple[list[Smear], list[tuple[Smear, Smear]]]:
    """(kept, [(dropped, the twin that stays)]): of pictures whose hashes differ in at most `bits` bits one stays.

    It is the one of the last split (val before train, so that the test part stays whole), there the first by name.
    Twins of twins are twins.
    """
    groups = Groups()
    for one, other in twins({smear.phash for smear in smears}, bits):
        groups.join(one, other)
    alike = defaultdict[object, list[Smear]](list)
    for smear in smears:
        alike[groups.root(smear.phash)].append(smear)
    order = {split: place for place, split in enumerate(dict.fromkeys(smear.split for smear in smears))}
    stays = {root: max(same, key=lambda smear: order[smear.split]) for root, same in alike.items()}
    kept = [smear for smear in smears if stays[groups.root(smear.phash)] is smear]
    dropped = [(smear, stay) for smear in smears for stay in [stays[groups.root(smear.phash)]] if stay is not smear]
    return kept, dropped


def draw(smears: Sequence[Smear], sizes: Mapping[str, int], seed: int) -> dict[str, list[Smear]]:
    """Parts of `sizes`, by chance and apart from each other: the part test of split val, all others of split train."""
    left = {split: sorted((s for s in smears if s.split == split), key=lambda s: s.key) for split in ("train", "val")}
    for split, rest in left.items():
        random.Random(f"{seed}/{split}").shuffle(rest)
    parts = {}
    for part, size in sizes.items():
        rest = left["val" if part == "test" else "train"]
        if len(rest) < size:
            raise CannotMeasureError(f"the part {part} needs {size} pictures, but only {len(rest)} are left")
        parts[part], rest[:] = rest[:size], rest[size:]
    return parts


def write(parts: Mapping[str, Sequence[Smear]], names: Sequence[str], folder: Path) -> Path:
    """A YOLO folder with images/PART and labels/PART, the pictures copied byte for byte; returns its data.yaml."""
    for part, smears in parts.items():
        pictures, labels = folder / "images" / part, folder / "labels" / part
        pictures.mkdir(parents=True)
        labels.mkdir(parents=True)
        for smear in smears:
            shutil.copyfile(smear.picture, pictures / smear.picture.name)
            (labels / f"{smear.key}.txt").write_text("".join(f"{line}\n" for line in smear.lines))
    content = {"path": str(folder.resolve()), **{part: f"images/{part}" for part in parts}}
    path = folder / "data.yaml"
    path.write_text(json.dumps({**content, "names": dict(enumerate(names))}, indent=1))
    return path
