"""Seven ways to show a U-Net a circle or contour (Gräbel 2021, METHODS section 2), and the loss that suits each.

`d` is the distance to the outline inside a cell, 1 at its middle and 0 at its border; where cells overlap the higher
counts. The rim is what an erosion removes; of a cell too small for it at most half the way to the middle, so that none
vanishes.
Where two eroded cells still overlap, neither is core: the place belongs to the rim, or else the two would be one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models_zoo import paint
from models_zoo.training.network import Targets

Floats = NDArray[np.float32]

REPRESENTATIONS = ("shrinking", "contour", "dont_care", "distance", "sigmoid", "statistical", "scaled")
# How often a pixel of a weak circle belongs to the cell, by d = 0, 0.05 ... 1. Measured by
# `python -m models_zoo.unet.statistical` on generated fields with simulated circles (METHODS section 1).
CHANCES = (
    0.154,
    0.396,
    0.677,
    0.842,
    0.917,
    0.948,
    0.965,
    0.977,
    0.986,
    0.991,
    0.995,
    0.997,
    0.999,
    1.000,
    1.000,
    1.000,
    1.000,
    1.000,
    1.000,
    1.000,
    1.000,
)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The cells of one picture, pixel by pixel: `depth` is d, 0 outside; `inside` and `core` flags; `label` the
    class of the cell that a pixel lies deepest in, -1 outside."""

    depth: Floats
    inside: NDArray[np.bool_]
    core: NDArray[np.bool_]
    label: NDArray[np.int64]


def draw(targets: Targets, height: int, width: int, rim: float) -> Canvas:
    """Draw `targets` on (height, width) pixels; `rim` is the width of the rim in pixels.

    A cell that reaches over the border is drawn whole and then cut, so that its d is that of the whole cell.
    """
    depth = np.zeros((height, width), np.float32)
    cores = np.zeros((height, width), np.uint8)
    inside = np.zeros((height, width), np.bool_)
    label = np.full((height, width), -1, np.int64)
    for outline, number in zip(targets.outlines, targets.labels, strict=True):
        x, y, distance = distances(outline)
        place, seen = _overlap(x, y, distance.shape, height, width)
        part = distance[seen]
        most = float(distance.max())
        if not part.size or most <= 0:
            continue
        mine = part > 0
        d = np.clip((part - 0.5) / max(most - 0.5, 0.5), 0, 1) * mine
        deeper = mine & ((d > depth[place]) | ~inside[place])
        label[place][deeper] = number
        depth[place] = np.maximum(depth[place], d)
        cores[place] += part - 0.5 > min(rim, (most - 0.5) / 2)
        inside[place] |= mine
    return Canvas(depth, inside, cores == 1, label)


def distances(outline: Floats) -> tuple[int, int, Floats]:
    """(x, y, map): in pixels, how far each pixel's centre lies from the nearest pixel outside the polygon; `x` and `y`
    are the place of the map's first pixel."""
    low = np.floor(outline.min(0)).astype(int) - 1
    size = np.ceil(outline.max(0)).astype(int) + 1 - low
    mask = np.zeros((size[1], size[0]), np.uint8)
    paint.fill(mask, outline - low)
    found = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return int(low[0]), int(low[1]), np.asarray(found, np.float32)


def _overlap(x: int, y: int, shape: tuple[int, ...], height: int, width: int) -> tuple[Any, Any]:
    """Where a patch at (x, y) lies on the picture, and which part of the patch that is, both as slices."""
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + shape[1], width), min(y + shape[0], height)
    place = (slice(y0, max(y0, y1)), slice(x0, max(x0, x1)))
    return place, (slice(y0 - y, max(y0, y1) - y), slice(x0 - x, max(x0, x1) - x))


def sigmoid_of(d: Floats) -> Floats:
    """Shifted by 0.5 and compressed by 10."""
    return np.asarray(1 / (1 + np.exp(-10 * (d - 0.5))), np.float32)


def statistical_of(d: Floats) -> Floats:
    """P(pixel belongs to the cell given d)."""
    return np.interp(d, np.linspace(0, 1, len(CHANCES)), CHANCES).astype(np.float32)


def scaled_of(d: Floats) -> Floats:
    """The same, stretched so that it is -1 at the border: foreground there is punished more than outside the cell."""
    low, high = CHANCES[0], CHANCES[-1]
    return np.asarray(2 * (statistical_of(d) - low) / (high - low) - 1, np.float32)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the network is to answer: `target` (h, w), with 0, 1 and 2 for background, core and rim in the
    representation `contour`, else values from -1 to 1; `weight` (h, w), 0 where nothing is asked."""

    target: Floats
    weight: Floats


def shown(canvas: Canvas, representation: str) -> Shown:
    """The target of a representation; raises KeyError for a name that is none of REPRESENTATIONS."""
    return _SHOWN[representation](canvas)


def _plain(target: NDArray[Any]) -> Shown:
    return Shown(target.astype(np.float32), np.ones(target.shape, np.float32))


def _dont_care(canvas: Canvas) -> Shown:
    return Shown(canvas.core.astype(np.float32), (~canvas.inside | canvas.core).astype(np.float32))


def _inside(function: Callable[[Floats], Floats]) -> Callable[[Canvas], Shown]:
    return lambda canvas: _plain(np.where(canvas.inside, function(canvas.depth), 0))


_SHOWN: dict[str, Callable[[Canvas], Shown]] = {
    "shrinking": lambda canvas: _plain(canvas.core),
    "contour": lambda canvas: _plain(np.where(canvas.core, 1, np.where(canvas.inside, 2, 0))),
    "dont_care": _dont_care,
    "distance": _inside(lambda d: d),
    "sigmoid": _inside(sigmoid_of),
    "statistical": _inside(statistical_of),
    "scaled": _inside(scaled_of),
}


def foreground_loss(answer: Tensor, target: Tensor, weight: Tensor, kind: str, rim_weight: float) -> Tensor:
    """How far `answer`, logits (b, 1 or 3, h, w), is from `target` (b, h, w): three channels are background, core and
    rim, the rim with a weight of its own.

    `kind`: cross_entropy, dice (cross entropy and the overlap of the whole) or squared. Targets below 0 have no
    cross entropy: they are always squared.
    """
    if answer.shape[1] == 3:
        weights = answer.new_tensor((1.0, 1.0, rim_weight))
        loss = functional.cross_entropy(answer, target.long(), weights)
        core, wanted = answer.softmax(1)[:, 1], (target == 1).float()
    elif kind == "squared" or bool((target < 0).any()):
        squared = (answer[:, 0].sigmoid() - target) ** 2
        return (squared * weight).sum() / weight.sum().clamp(min=1)
    else:
        each = functional.binary_cross_entropy_with_logits(answer[:, 0], target, reduction="none")
        loss = (each * weight).sum() / weight.sum().clamp(min=1)
        core, wanted = answer[:, 0].sigmoid() * weight, target * weight
    if kind == "dice":
        loss = loss + 1 - (2 * (core * wanted).sum() + 1) / ((core + wanted).sum() + 1)
    return loss


def stack(canvases: list[Shown], device: torch.device) -> tuple[Tensor, Tensor]:
    targets = np.stack([one.target for one in canvases])
    return torch.from_numpy(targets).to(device), torch.from_numpy(np.stack([one.weight for one in canvases])).to(device)
