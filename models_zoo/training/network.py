"""What a network of the zoo can do, and what it is shown: the contract that every family keeps.

Pictures are (B, 3, H, W), RGB in 0..1, H and W multiples of 32. Coordinates are pixels of the picture, the corner of
the first pixel is (0, 0).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models_zoo.detections import Detections, Floats
from models_zoo.images import Pixels
from models_zoo.nms import merge_tiles, nms
from models_zoo.spec import Value
from models_zoo.tiles import Tile, plan

if TYPE_CHECKING:
    from models_zoo.training.pictures import Pictures

MULTIPLE = 32
# Grey of the padding, as ultralytics pads.
PADDING = 114
# Working pixels in one batch of looking.
BATCH_PIXELS = {"cpu": 1 << 20, "cuda": 1 << 23}


@dataclass(frozen=True, slots=True)
class Targets:
    """The cells of one picture: `boxes` (n, 4) cut at the border of the picture, `whole` (n, 4) not cut, `labels` (n,)
    from 0, `outlines` one polygon (k, 2) a cell in pixels of the picture, which may reach over the border."""

    boxes: Floats
    whole: Floats
    labels: NDArray[np.int64]
    outlines: tuple[Floats, ...]

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a look asks for: see DetectRequest. `looking` are the family's parameters that belong to looking."""

    min_score: float
    nms_iou: float
    max_detections: int
    features: bool
    looking: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a network proposes on one picture, before suppression: `boxes` (n, 4), `scores` (n, classes) in 0..1,
    `features` (n, d) or (n, 0)."""

    boxes: Tensor
    scores: Tensor
    features: Tensor

    def on_cpu(self) -> Detections:
        parts = (self.boxes, self.scores, self.features)
        return Detections(*(np.ascontiguousarray(part.float().cpu().numpy(), np.float32) for part in parts))


class CellNetwork(nn.Module):
    """A detector of `classes` classes. `scores` of one candidate are those of all classes and need not sum to 1."""

    classes: int

    @abstractmethod
    def losses(self, pictures: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """The terms whose sum is minimised, by name; in evaluation mode the same terms, to validate with."""

    @abstractmethod
    def candidates(self, pictures: Tensor, limits: Limits) -> list[Candidates]:
        """What is proposed on each picture: at most some thousand candidates, the best ones."""

    def suppress(self, found: Detections, iou: float, most: int) -> Detections:
        """One candidate a cell, best first: greedy suppression by the IoU of boxes within a class."""
        return found[nms(found.boxes, found.top, found.labels, iou, most)]

    def see(self, working: Pixels, tile: int, limits: Limits) -> Detections:
        """The cells on a working picture (h, w, 3), in its pixels, best first: tiles with overlap, looked at in batches
        and merged."""
        height, width = working.shape[:2]
        parts: list[tuple[Tile, Detections]] = []
        for tiles in batches(plan(width, height, tile), device_of(self).type):
            found = self.candidates(batch_of(self, working, tiles), limits)
            parts += [(piece, self._sifted(one, piece, limits)) for piece, one in zip(tiles, found, strict=True)]
        return self.merge(parts, limits) if len(parts) > 1 else parts[0][1]

    def merge(self, parts: Sequence[tuple[Tile, Detections]], limits: Limits) -> Detections:
        return merge_tiles(parts, limits.nms_iou, limits.max_detections)

    def _sifted(self, one: Candidates, tile: Tile, limits: Limits) -> Detections:
        """Without what is too faint or centred in the padding, one candidate a cell."""
        found = one.on_cpu()
        centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        inside = ((centres >= 0) & (centres < (tile.width, tile.height))).all(1)
        has_area = (found.boxes[:, 2:] > found.boxes[:, :2]).all(1)  # one that lay outside is cut down to a line
        found = found[inside & has_area & (found.top > limits.min_score)]
        return self.suppress(found, limits.nms_iou, limits.max_detections)

    def learn_from(self, pictures: Pictures) -> None:  # most networks need not know
        """Told once, before a training, what it will be shown: to choose what depends on the size or kind of cells."""

    def settle_looking(self) -> None:  # most networks are as fast as they can be
        """Told once before it only looks: layers may be joined for good."""

    def settle_steps(self, steps: int) -> None:
        """Told before a training how many steps it will have; batch norms may follow faster in a short one."""
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = min(0.1, max(0.03, 10 / max(1, steps)))


def device_of(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def batches(tiles: Sequence[Tile], device: str) -> list[Sequence[Tile]]:
    """All tiles of a plan have one size, so any of them fit into one batch."""
    pixels = BATCH_PIXELS.get(device, BATCH_PIXELS["cpu"])
    size = max(1, pixels // (padded(tiles[0].width) * padded(tiles[0].height)))
    return [tiles[start : start + size] for start in range(0, len(tiles), size)]


def padded(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE


def batch_of(network: nn.Module, working: Pixels, tiles: Sequence[Tile]) -> Tensor:
    """(len(tiles), 3, H, W) on the network's device and in its precision, padded to the right and below."""
    shape = (len(tiles), padded(tiles[0].height), padded(tiles[0].width), 3)
    pixels = np.full(shape, PADDING, np.uint8)
    for number, tile in enumerate(tiles):
        pixels[number, : tile.height, : tile.width] = working[
            tile.y : tile.y + tile.height, tile.x : tile.x + tile.width
        ]
    return to_input(pixels, next(network.parameters()))


def to_input(pixels: NDArray[np.uint8], like: Tensor) -> Tensor:
    """Pictures (B, H, W, 3) as the network takes them. They are laid out channels last from the start."""
    moved = torch.from_numpy(pixels).to(like.device, non_blocking=True).permute(0, 3, 1, 2)
    return moved.to(like.dtype).div_(255).contiguous(memory_format=torch.channels_last)


def pooled(maps: Sequence[Tensor], strides: Sequence[int], boxes: Sequence[Tensor]) -> list[Tensor]:
    """For each picture (n, channels of all maps): each map (B, c, h, w) read at the centres of its boxes."""
    return [
        torch.cat([_at(layer[number], stride, one) for layer, stride in zip(maps, strides, strict=True)], 1)
        for number, one in enumerate(boxes)
    ]


def _at(layer: Tensor, stride: int, boxes: Tensor) -> Tensor:
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / stride
    x = centres[:, 0].long().clamp(0, layer.shape[2] - 1)
    y = centres[:, 1].long().clamp(0, layer.shape[1] - 1)
    return layer[:, y, x].T.float()
