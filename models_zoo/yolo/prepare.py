"""From the fields of a request to a data set that ultralytics reads: square tiles, label files, data.yaml.

Tiles are PNG at the lowest compression: the network must learn from the very pixels that a detector will see, and
a second JPEG generation would change them; decoding one costs little beside the training step.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models_zoo import images, paint, shapes, tiles
from models_zoo.records import FieldRecord, TrainRequest


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What was written: `boxes` per class name counts the training boxes after cutting (a cell in the overlap of
    two tiles counts twice), `background` the training tiles without a box, `blanked` the unsure places."""

    yaml: Path
    classes: tuple[str, ...]
    training: int
    validation: int
    boxes: dict[str, int]
    background: int
    blanked: int


@dataclass(frozen=True, slots=True)
class _Written:
    labels: list[list[int]]
    blanked: int


def write_dataset(request: TrainRequest, folder: Path) -> DatasetInfo:
    """Cut the request's fields into tiles under `folder` (emptied first) and say what there is.

    Each field is resized to its working resolution and cut by `tiles.for_training`; what is smaller than a tile is
    padded with grey at the right and below. Tiles without a target are kept, all of them: in a field that is
    labelled completely they are true background. Places of `unsure` (label -1) are painted grey, except inside the
    box of another target. Without validation fields, `val` of data.yaml names the training tiles, because
    ultralytics wants some.

    Raises ValueError for a tile that is not a multiple of 32, a picture of another size than its record says, a
    label outside the classes, and training fields without a single target.
    """
    _check(request)
    shutil.rmtree(folder, ignore_errors=True)
    training = _write_split(request, request.training, folder, "train")
    validation = _write_split(request, request.validation, folder, "val")
    counts = Counter(label for field in training for tile in field.labels for label in tile)
    if not counts:
        raise ValueError("the training fields show no labelled cell; label some before training")
    return DatasetInfo(
        yaml=_write_yaml(request, folder),
        classes=request.classes,
        training=sum(len(field.labels) for field in training),
        validation=sum(len(field.labels) for field in validation),
        boxes={name: counts.get(number, 0) for number, name in enumerate(request.classes)},
        background=sum(not tile for field in training for tile in field.labels),
        blanked=sum(field.blanked for field in training),
    )


def _check(request: TrainRequest) -> None:
    if request.tile < 64 or request.tile % 32:
        raise ValueError(f"the tile must be a multiple of 32, at least 64, not {request.tile}")
    if not request.classes or not request.training:
        raise ValueError("a training needs at least one class and one field")
    for record in (*request.training, *request.validation):
        for target in record.targets:
            if not -1 <= target.label < len(request.classes):
                raise ValueError(f"field {record.key}: label {target.label} is none of {len(request.classes)} classes")


def _write_split(request: TrainRequest, records: Sequence[FieldRecord], folder: Path, split: str) -> list[_Written]:
    pictures, labels = folder / "images" / split, folder / "labels" / split
    pictures.mkdir(parents=True)
    labels.mkdir(parents=True)
    with ThreadPoolExecutor(request.threads or os.cpu_count()) as pool:  # decoding and encoding release the lock
        jobs = [
            pool.submit(_write_field, request, record, pictures / f"{number:06d}", labels / f"{number:06d}")
            for number, record in enumerate(records)
        ]
        return [job.result() for job in jobs]


def _write_field(request: TrainRequest, record: FieldRecord, picture: Path, label: Path) -> _Written:
    image = images.resize(images.read_field(record), record.scale)
    sure = [target for target in record.targets if target.label >= 0]
    boxes = np.array([shapes.training_box(target, request.shrink) for target in sure]).reshape(-1, 4) * record.scale
    unsure = [target for target in record.targets if target.label < 0]
    if unsure:
        image = paint.blank(image, unsure, boxes, record.scale)
    numbers = np.array([target.label for target in sure], np.intp)
    written = []
    height, width = image.shape[:2]
    for index, tile in enumerate(tiles.for_training(width, height, request.tile)):
        seen, kept = tiles.clip(boxes, tile)
        cut = image[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
        _write_png(picture.with_name(f"{picture.name}_{index:04d}.png"), _padded(cut, request.tile))
        lines = _lines(seen / request.tile, numbers[kept])
        label.with_name(f"{label.name}_{index:04d}.txt").write_text(lines, encoding="ascii")
        written.append([int(number) for number in numbers[kept]])
    return _Written(written, len(unsure))


def _padded(cut: images.Pixels, tile: int) -> images.Pixels:
    if cut.shape[:2] == (tile, tile):
        return cut
    whole = np.full((tile, tile, 3), paint.GREY, np.uint8)
    whole[: cut.shape[0], : cut.shape[1]] = cut
    return whole


def _write_png(path: Path, image: images.Pixels) -> None:
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise OSError(f"{path} could not be encoded")
    path.write_bytes(data.tobytes())


def _lines(boxes: NDArray[np.float64], labels: NDArray[np.intp]) -> str:
    """YOLO's text: class, centre x, centre y, width, height, as fractions of the tile."""
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    rows = zip(labels, np.concatenate([centres, sides], 1), strict=True)
    return "".join(f"{label} {x:.8f} {y:.8f} {w:.8f} {h:.8f}\n" for label, (x, y, w, h) in rows)


def _write_yaml(request: TrainRequest, folder: Path) -> Path:
    """data.yaml, written as JSON, which is YAML: any class name is quoted safely."""
    content = {
        "path": str(folder.resolve()),
        "train": "images/train",
        "val": "images/val" if request.validation else "images/train",
        "names": dict(enumerate(request.classes)),
    }
    path = folder / "data.yaml"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path
