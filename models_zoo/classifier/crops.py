"""From a field and the shapes on it to square pictures of one cell each: one rule for training and for looking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models_zoo.images import Pixels, read_rgb
from models_zoo.records import FieldRecord, Target
from models_zoo.shapes import Box, training_box

# A picture in which the cell's box leaves less than this on every side is a single-cell picture, and is taken whole.
WHOLE = 0.02
LEAST_SIDE = 8


def square(box: Box, width: int, height: int, margin: float) -> Box:
    """The square that is shown of a cell: `margin` times the longer side, about the centre of its box.

    A box that fills its whole picture is a single-cell picture, which keeps the view its maker chose.
    """
    x0, y0, x1, y1 = box
    whole = x0 <= WHOLE * width and y0 <= WHOLE * height and x1 >= width * (1 - WHOLE) and y1 >= height * (1 - WHOLE)
    half = max(x1 - x0, y1 - y0, 1.0) / 2 * (1.0 if whole else margin)
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    return cx - half, cy - half, cx + half, cy + half


def cut(image: Pixels, box: Box, side: int, margin: float) -> Pixels:
    """(side, side, 3): what `square` shows of `image` (h, w, 3), bilinear; beyond the border its last row goes on."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = square(box, width, height, margin)
    left, top = int(np.floor(x0)), int(np.floor(y0))
    right, bottom = int(np.ceil(x1)), int(np.ceil(y1))
    columns = np.clip(np.arange(left, max(right, left + 1)), 0, width - 1)
    rows = np.clip(np.arange(top, max(bottom, top + 1)), 0, height - 1)
    part = Image.fromarray(image[np.ix_(rows, columns)])
    seen = (x0 - left, y0 - top, min(x1 - left, float(part.width)), min(y1 - top, float(part.height)))
    return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR, box=seen))


def into_crop(
    points: NDArray[np.floating], box: Box, width: int, height: int, side: int, margin: float
) -> NDArray[np.float64]:
    """`points` (n, 2) of the field in pixels of the crop that `cut` makes of `box`."""
    x0, y0, x1, y1 = square(box, width, height, margin)
    return np.asarray((np.asarray(points, np.float64) - (x0, y0)) * side / np.array([x1 - x0, y1 - y0]))


def boxes_of(record: FieldRecord) -> list[Box]:
    """The cells of a field as boxes, circles as drawn; a field without targets is a picture of one cell."""
    if not record.targets:
        return [(0.0, 0.0, float(record.width), float(record.height))]
    return [training_box(target, 1.0) for target in record.targets]


def picture_of(record: FieldRecord) -> Pixels:
    """Raises ValueError where the picture cannot be read, is too small, or is not of the size that is recorded."""
    image = read_rgb(record.path)
    height, width = image.shape[:2]
    if (width, height) != (record.width, record.height):
        raise ValueError(
            f"field {record.key}: {record.path} is {width} x {height} pixels, "
            f"but the field is recorded as {record.width} x {record.height}; import it again"
        )
    if min(width, height) < LEAST_SIDE:
        raise ValueError(
            f"field {record.key} has {width} x {height} pixels, too few to show a cell: give at least 8 x 8"
        )
    return image


def labelled(records: Sequence[FieldRecord], side: int, margin: float) -> Iterator[tuple[Pixels, int]]:
    """Crop and label of every cell of `records`; what is unsure is left out."""
    for record in records:
        sure = [target for target in record.targets if target.label >= 0]
        if sure:
            image = picture_of(record)
            yield from ((cut(image, training_box(target, 1.0), side, margin), target.label) for target in sure)


def whole_picture(key: str, path: str, width: int, height: int, label: int) -> FieldRecord:
    """The record of a single-cell picture: its one target is the box of the whole."""
    box = Target("box", (0.0, 0.0, float(width), float(height)), label)
    return FieldRecord(key, path, width, height, 1.0, targets=(box,))
