"""From the fields of a request to pictures of one size: prepared once, cut and turned anew in every epoch.

A picture is cut from the working field by one affine map, so that a turned crop shows real neighbours in its corners
and not padding. What it shows depends on seed, epoch and number alone, never on threads or on what came before: a
training that was resumed sees what an unbroken one would have seen.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models_zoo import images, paint, shapes, tiles
from models_zoo.records import FieldRecord, Target, TrainRequest
from models_zoo.tiles import Tile
from models_zoo.training.network import Targets

Floats = NDArray[np.float32]

# Slight blur in half of the pictures; the widest sigma in working pixels. A twentieth of a field's noise floor.
BLUR = 0.8
NOISE = 8.0
# A crop's centre strays from its tile's by at most this part of the tile; Liu's shift is smaller.
STRAY = {"graebel": 0.25, "liu": 0.1, "none": 0.0}
MIN_VISIBLE = 0.3


@dataclass(frozen=True, slots=True)
class Prepared:
    """A field at its working resolution: `file` (h, w, 3) as .npy, `outlines` of its cells in working pixels."""

    key: str
    file: Path
    width: int
    height: int
    outlines: tuple[Floats, ...]
    labels: NDArray[np.int64]

    def pixels(self) -> NDArray[np.uint8]:
        read: NDArray[np.uint8] = np.load(self.file, mmap_mode="r")
        return read

    def boxes(self) -> Floats:
        return bounds(self.outlines)


@dataclass(frozen=True, slots=True)
class Sample:
    pixels: NDArray[np.uint8]
    targets: Targets


@dataclass(frozen=True)
class Pictures:
    """The pictures of a training; `tile` is their side, `kinds` counts the targets' shapes."""

    fields: tuple[Prepared, ...]
    tile: int
    places: tuple[tuple[int, Tile], ...]
    kinds: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    def median_side(self) -> float:
        """Of the cells' boxes, in working pixels; 40, what the zoo aims at, where there is none."""
        boxes = np.concatenate([np.zeros((0, 4), np.float32), *(one.boxes() for one in self.fields)])
        return float(np.median((boxes[:, 2:] - boxes[:, :2]).mean(1))) if len(boxes) else 40.0

    def epoch(self, number: int, seed: int, batch: int, augmentation: str, threads: int) -> Iterator[list[Sample]]:
        """The batches of epoch `number` in a drawn order; the last one holds what is left.

        A last batch of one picture, whose batch norms would see a single example, is joined to the one before.
        """
        order = np.random.default_rng((seed, number)).permutation(len(self.places))
        groups = [order[start : start + batch] for start in range(0, len(order), batch)]
        if len(groups) > 1 and len(groups[-1]) == 1:
            groups[-2:] = [np.concatenate(groups[-2:])]
        with ThreadPoolExecutor(threads) as pool:
            ahead = [self._ask(pool, group, number, seed, augmentation) for group in groups[:2]]
            for following in range(len(groups)):
                ready = [one.result() for one in ahead.pop(0)]
                if following + 2 < len(groups):
                    ahead.append(self._ask(pool, groups[following + 2], number, seed, augmentation))
                yield ready

    def _ask(
        self, pool: ThreadPoolExecutor, group: NDArray[np.intp], number: int, seed: int, augmentation: str
    ) -> list[Any]:
        return [pool.submit(self.sample, int(place), augmentation, (seed, number, int(place))) for place in group]

    def steps(self, batch: int) -> int:
        groups = -(-len(self.places) // batch)
        return groups - 1 if groups > 1 and len(self.places) % batch == 1 and batch > 1 else groups

    def sample(self, place: int, augmentation: str = "none", seed: Sequence[int] = (0,)) -> Sample:
        """Picture number `place`, augmented by a chance of its own."""
        index, tile = self.places[place]
        one = self.fields[index]
        chance = np.random.default_rng(tuple(seed))
        matrix = _map(tile, self.tile, one, augmentation, chance)
        pixels = _spoilt(_cut(one.pixels(), matrix, self.tile), augmentation, chance)
        return Sample(pixels, _targets(one, matrix, self.tile))


def prepare(request: TrainRequest, records: Sequence[FieldRecord], folder: Path) -> Pictures:
    """Write the working pictures of `records` under `folder` (emptied first).

    Places of `unsure` (label -1) are painted grey, except inside the box of another target. Raises ValueError for a
    picture of another size than its record says, a label outside the classes, or a tile that does not fit.
    """
    _check(request)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ThreadPoolExecutor(request.threads or 2) as pool:
        fields = tuple(
            pool.map(lambda item: _prepare(item[1], folder / f"{item[0]:06d}.npy", request), enumerate(records))
        )
    places = tuple(
        (index, tile)
        for index, one in enumerate(fields)
        for tile in tiles.for_training(one.width, one.height, request.tile)
    )
    kinds: dict[str, int] = {}
    for record in records:
        for target in record.targets:
            if target.label >= 0:
                kinds[target.kind] = kinds.get(target.kind, 0) + 1
    return Pictures(fields, request.tile, places, kinds)


def _check(request: TrainRequest) -> None:
    if request.tile < 64 or request.tile % 32:
        raise ValueError(f"the tile must be a multiple of 32, at least 64, not {request.tile}")
    if not request.classes or not request.training:
        raise ValueError("a training needs at least one class and one field")
    if request.batch < 1 or request.epochs < 1:
        raise ValueError("a training needs at least one epoch and one picture a batch")
    for record in (*request.training, *request.validation):
        for target in record.targets:
            if not -1 <= target.label < len(request.classes):
                raise ValueError(f"field {record.key}: label {target.label} is none of {len(request.classes)} classes")


def _prepare(record: FieldRecord, file: Path, request: TrainRequest) -> Prepared:
    image = images.resize(images.read_field(record), record.scale)
    sure = [target for target in record.targets if target.label >= 0]
    outlines = tuple(outline_of(target, request.shrink, record.scale) for target in sure)
    unsure = [target for target in record.targets if target.label < 0]
    if unsure:
        image = paint.blank(image, unsure, bounds(outlines).astype(np.float64), record.scale)
    np.save(file, image)
    height, width = image.shape[:2]
    return Prepared(record.key, file, width, height, outlines, np.array([t.label for t in sure], np.int64))


def outline_of(target: Target, shrink: float, scale: float) -> Floats:
    """(k, 2) the target's outline in working pixels; a circle shrunk, a box as the ellipse inside it: cells are round,
    and a turned cell's box is that of its outline, not of its turned box."""
    if target.kind == "contour":
        return np.array(target.points, np.float32).reshape(-1, 2) * np.float32(scale)
    box = [value * scale for value in shapes.training_box(target, shrink)]
    return paint.ellipse(box)


def bounds(outlines: Sequence[Floats]) -> Floats:
    """(n, 4) the boxes around polygons."""
    rows = [np.concatenate([outline.min(0), outline.max(0)]) for outline in outlines]
    return np.array(rows, np.float32).reshape(-1, 4)


def _map(tile: Tile, side: int, one: Prepared, augmentation: str, chance: np.random.Generator) -> NDArray[np.float64]:
    """(2, 3) from working pixels to pixels of the picture."""
    if augmentation == "none":
        return np.array([[1.0, 0, -tile.x], [0, 1.0, -tile.y]])
    stray = STRAY[augmentation] * side
    centre = np.array([tile.x + tile.width / 2, tile.y + tile.height / 2]) + chance.uniform(-stray, stray, 2)
    low, high = np.array([tile.width, tile.height]) / 2, np.array([one.width, one.height])
    centre = np.clip(centre, low, np.maximum(low, high - low))
    angle = chance.uniform(0, 2 * np.pi)
    mirror = np.where(chance.random(2) < 0.5, -1.0, 1.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * mirror[:, None]
    return np.concatenate([turn, (side / 2 - turn @ centre)[:, None]], 1)


def _cut(field_pixels: NDArray[np.uint8], matrix: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """(side, side, 3), grey where the field ends. Only the part of the field that is seen is read from disk."""
    corners = np.array([(0, 0), (side, 0), (0, side), (side, side)], np.float64)
    turn, shift = matrix[:, :2], matrix[:, 2]
    seen = (corners - shift) @ np.linalg.inv(turn).T
    x0, y0 = np.maximum(np.floor(seen.min(0)).astype(int) - 2, 0)
    x1, y1 = np.ceil(seen.max(0)).astype(int) + 2
    part = np.ascontiguousarray(field_pixels[y0:y1, x0:x1])
    if part.size == 0:
        return np.full((side, side, 3), paint.GREY, np.uint8)
    # OpenCV counts from pixel centres: p + 0.5 = turn (q + 0.5 + start) + shift.
    start = np.array([x0, y0], np.float64)
    moved = turn @ (start + 0.5) + shift - 0.5
    warped = cv2.warpAffine(
        part,
        np.concatenate([turn, moved[:, None]], 1),
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(paint.GREY,) * 3,
    )
    return np.asarray(warped, np.uint8)


def _spoilt(pixels: NDArray[np.uint8], augmentation: str, chance: np.random.Generator) -> NDArray[np.uint8]:
    if augmentation == "graebel" and chance.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(pixels, (5, 5), float(chance.uniform(0.1, BLUR))), np.uint8)
    if augmentation == "liu" and chance.random() < 0.5:
        noise = chance.normal(0, chance.uniform(0, NOISE), pixels.shape)
        return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
    return pixels


def _targets(one: Prepared, matrix: NDArray[np.float64], side: int) -> Targets:
    turn, shift = matrix[:, :2].astype(np.float32), matrix[:, 2].astype(np.float32)
    outlines = [outline @ turn.T + shift for outline in one.outlines]
    whole = bounds(outlines)
    seen, kept = tiles.clip(whole, Tile(0, 0, side, side), MIN_VISIBLE)
    return Targets(seen.astype(np.float32), whole[kept], one.labels[kept], tuple(outlines[number] for number in kept))
