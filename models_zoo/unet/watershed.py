"""From a map of foreground to cells (Gräbel 2021, METHODS section 2): Otsu, opening, distance, markers, watershed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]

# Values of a picture in which nothing lies differ by less than this: Otsu would divide its noise.
_FLAT = 0.02


@dataclass(frozen=True, slots=True)
class Cut:
    """`floor`: no threshold lies below it. `opening`: radius in pixels of what is opened away. `distance`: the markers
    are where the distance to the background is above this share of the greatest in its connected part."""

    floor: float = 0.1
    opening: int = 1
    distance: float = 0.6


def otsu(values: Floats, floor: float) -> float:
    """The threshold that divides `values` best (Otsu 1979), at least `floor`; above all of them where they are flat."""
    low, high = float(values.min()), float(values.max())
    if high - low < _FLAT:
        return max(floor, high)
    return max(floor, float(threshold_otsu(values)))


def instances(values: Floats, cut: Cut) -> tuple[Labels, Floats]:
    """Number the cells on a map (h, w) of foreground in 0..1: labels (h, w), 0 is background, and the distance of each
    pixel of the foreground to the background."""
    foreground = (values > otsu(values, cut.floor)).astype(np.uint8)
    if cut.opening > 0:
        foreground = np.asarray(cv2.morphologyEx(foreground, cv2.MORPH_OPEN, disc(cut.opening)), np.uint8)
    # A border of background, or a cell at the border of the picture would seem to have its middle there.
    distance = np.asarray(cv2.distanceTransform(foreground, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
    parts, count = ndimage.label(foreground, structure=np.ones((3, 3)))
    if not count:
        return np.zeros(values.shape, np.int32), distance
    most = np.concatenate([[0], ndimage.maximum(distance, parts, np.arange(1, count + 1))])
    markers, _ = ndimage.label((distance > cut.distance * most[parts]) & (foreground > 0), structure=np.ones((3, 3)))
    background = cv2.dilate(foreground, disc(cut.opening + 1)) == 0
    # Background is a marker like the others, numbered 1, so that cells are 2 and up until they are counted again.
    seeds = np.where(background, 1, np.where(markers > 0, markers + 1, 0)).astype(np.int32)
    flooded = watershed(-distance, seeds)
    return np.where((foreground > 0) & (flooded > 1), flooded - 1, 0).astype(np.int32), distance


def disc(radius: int) -> NDArray[np.uint8]:
    """The kernel of all pixels within `radius` of the middle one."""
    steps = np.arange(-radius, radius + 1)
    return (np.hypot(steps[:, None], steps) <= radius + 1e-6).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Found:
    """`boxes` (n, 4) in pixels of the map, `confidence` (n,) the mean value inside each, `numbers` (n,) labels."""

    boxes: Floats
    confidence: Floats
    numbers: NDArray[np.intp]


def measured(values: Floats, labels: Labels, distance: Floats, rim: float, least: float) -> Found:
    """The cells' boxes, dilated by what was eroded in training: `rim`, or of a cell that is smaller than that the
    distance of its own middle, as it was taken away. Boxes whose mean side is below `least` are dropped."""
    places = ndimage.find_objects(labels)
    numbers = np.array([number for number, place in enumerate(places, 1) if place is not None], np.intp)
    rows = [_box(places[number - 1]) for number in numbers]
    boxes = np.array(rows, np.float32).reshape(-1, 4)
    if not len(numbers):
        return Found(boxes, np.zeros(0, np.float32), numbers)
    middle = np.asarray(ndimage.maximum(distance, labels, numbers), np.float32)
    grown = np.minimum(rim, middle)[:, None].astype(np.float32)
    boxes = np.concatenate([boxes[:, :2] - grown, boxes[:, 2:] + grown], 1)
    confidence = np.asarray(ndimage.mean(values, labels, numbers), np.float32)
    large = (boxes[:, 2:] - boxes[:, :2]).mean(1) >= least
    return Found(boxes[large], confidence[large], numbers[large])


def _box(place: Any) -> tuple[int, int, int, int]:
    rows, columns = place
    return columns.start, rows.start, columns.stop, rows.stop
