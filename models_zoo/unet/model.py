"""A U-Net that finds cells (Ronneberger 2015, Gräbel 2021): a map of foreground, cut into cells by watershed.

Beside the foreground a second answer names the class of each pixel of a cell, where there is more than one; a cell's
scores are its confidence (the mean foreground inside it) times the mean chance of each class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from models_zoo.detections import Detections, nothing
from models_zoo.images import Pixels
from models_zoo.parts.anchors import normalised
from models_zoo.parts.backbones import norm_layer
from models_zoo.spec import Value
from models_zoo.tiles import plan
from models_zoo.training.network import (
    Candidates,
    CellNetwork,
    Limits,
    Targets,
    batch_of,
    batches,
    device_of,
)
from models_zoo.training.pictures import Pictures
from models_zoo.unet.representations import draw, foreground_loss, shown, stack
from models_zoo.unet.watershed import Cut, instances, measured

ENCODERS = {"tiny": "resnet18", "r18": "resnet18", "r50": "resnet50"}
# Those representations whose foreground is eroded, so that what is found must be dilated.
ERODED = ("shrinking", "contour", "dont_care")
WIDTHS = {"tiny": (64, 48, 32, 24, 16), "": (256, 128, 64, 32, 16)}
# Pixels in which several tiles see the same: the nearer to a tile's border, the less its view counts.
_EDGE = 16


class UNetCells(CellNetwork):
    def __init__(self, size: str, classes: int, parameters: Mapping[str, Value]) -> None:
        super().__init__()
        self.classes = classes
        self.representation = str(parameters["representation"])
        self.loss = str(parameters["loss"])
        self.rim_weight = float(parameters["contour_weight"])
        self.rim_share = float(parameters["contour_width"])
        self.planes = 3 if self.representation == "contour" else 1
        depth = int(parameters["depth"])
        self.net = smp.Unet(
            ENCODERS.get(size, "resnet34"),
            encoder_depth=depth,
            encoder_weights=None,
            decoder_channels=WIDTHS.get(size, WIDTHS[""])[-depth:],
            classes=self.planes + (classes if classes > 1 else 0),
        )
        _trim(self.net.encoder, depth)
        if parameters["norm"] != "batch":
            _replace_norms(self.net, str(parameters["norm"]))
        # Median side of the cells it learned from, in working pixels: kept with the weights.
        self.register_buffer("side", torch.tensor(40.0))
        self.side: Tensor

    def learn_from(self, pictures: Pictures) -> None:
        self.side.fill_(pictures.median_side())

    @property
    def rim(self) -> float:
        """Width in working pixels of what is eroded."""
        return self.rim_share * float(self.side)

    def losses(self, pictures: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        answer = self.net(normalised(pictures)).float()
        height, width = pictures.shape[-2:]
        canvases = [draw(one, height, width, self.rim) for one in targets]
        target, weight = stack([shown(one, self.representation) for one in canvases], pictures.device)
        foreground = answer[:, : self.planes]
        losses = {"cell_loss": foreground_loss(foreground, target, weight, self.loss, self.rim_weight)}
        if self.classes > 1:
            label = torch.from_numpy(np.stack([one.label for one in canvases])).to(pictures.device)
            named = functional.cross_entropy(answer[:, self.planes :], label, ignore_index=-1, reduction="sum")
            losses["class_loss"] = named / (label >= 0).sum().clamp(min=1)
        return losses

    def _maps(self, pictures: Tensor, features: bool) -> Tensor:
        """(b, 1 + classes [+ features], h, w): foreground, the chance of each class, the decoder's last map."""
        x = normalised(pictures)
        decoded = self.net.decoder(self.net.encoder(x))
        answer = self.net.segmentation_head(decoded).float()
        first = answer[:, : self.planes]
        foreground = first.softmax(1)[:, 1:2] if self.planes == 3 else first.sigmoid()
        named = answer[:, self.planes :].softmax(1) if self.classes > 1 else torch.ones_like(foreground)
        return torch.cat([foreground, named, *([decoded.float()] if features else [])], 1)

    def candidates(self, pictures: Tensor, limits: Limits) -> list[Candidates]:
        maps = self._maps(pictures, limits.features).cpu().numpy()
        found = [self._cells(one, limits) for one in maps]
        return [
            Candidates(torch.from_numpy(one.boxes), torch.from_numpy(one.scores), torch.from_numpy(one.features))
            for one in found
        ]

    def see(self, working: Pixels, tile: int, limits: Limits) -> Detections:
        """As CellNetwork.see, but tiles are put together as maps, before cells are cut out: none is seen twice."""
        return self._cells(self._stitched(working, tile, limits.features), limits)

    def _stitched(self, working: Pixels, tile: int, features: bool) -> NDArray[np.float32]:
        height, width = working.shape[:2]
        tiles = plan(width, height, tile)
        if len(tiles) == 1:
            maps = self._maps(batch_of(self, working, tiles), features)[0, :, :height, :width]
            return np.asarray(maps.cpu().numpy(), np.float32)
        device = device_of(self)
        total, weights = None, torch.zeros((height, width), device=device)
        weight = _towards_middle(tiles[0].height, tiles[0].width).to(device)
        for some in batches(tiles, device.type):
            found = self._maps(batch_of(self, working, some), features)
            if total is None:
                total = found.new_zeros((found.shape[1], height, width))
            for one, place in zip(found, some, strict=True):
                rows, columns = slice(place.y, place.y + place.height), slice(place.x, place.x + place.width)
                total[:, rows, columns] += one[:, : place.height, : place.width] * weight
                weights[rows, columns] += weight
        if total is None:
            raise ValueError("a picture without tiles")
        return np.asarray((total / weights).cpu().numpy(), np.float32)

    def _cells(self, maps: NDArray[np.float32], limits: Limits) -> Detections:
        """The cells on maps (1 + classes [+ features], h, w), best first."""
        width = len(maps) - 1 - self.classes
        look = limits.looking
        cut = Cut(float(look.get("floor", 0.1)), int(look.get("opening", 1)), float(look.get("distance", 0.6)))
        labels, distance = instances(maps[0], cut)
        rim = self.rim if self.representation in ERODED else 0.0
        least = float(look.get("min_size", 0.3)) * float(self.side)
        found = measured(maps[0], labels, distance, rim, least)
        if not len(found.numbers):
            return nothing(self.classes, width)
        inside = [np.asarray(ndimage.mean(one, labels, found.numbers), np.float32) for one in maps[1:]]
        means = np.stack(inside, 1)
        scores = (found.confidence[:, None] * means[:, : self.classes]).clip(0, 1).astype(np.float32)
        order = np.argsort(-scores.max(1), kind="stable")
        order = order[scores[order].max(1) > limits.min_score][: limits.max_detections]
        return Detections(found.boxes[order], scores[order], means[order, self.classes :])


def _towards_middle(height: int, width: int) -> Tensor:
    """(height, width) weights that fall towards the border of a tile, where a network sees half of what it needs."""
    rows = torch.minimum(torch.arange(height), torch.arange(height).flip(0)).clamp(max=_EDGE) + 1
    columns = torch.minimum(torch.arange(width), torch.arange(width).flip(0)).clamp(max=_EDGE) + 1
    return torch.minimum(rows[:, None], columns[None, :]).float()


def _trim(encoder: Any, depth: int) -> None:
    """Stages that a shallow U-Net never reaches would be stored and learned for nothing."""
    for number in range(depth, 5):
        setattr(encoder, f"layer{number}", nn.Identity())


def _replace_norms(module: nn.Module, kind: str) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, norm_layer(kind)(child.num_features))
        else:
            _replace_norms(child, kind)


def build(variant: str, classes: int, parameters: Mapping[str, Value]) -> Any:
    return UNetCells(variant.partition("-")[2], classes, parameters)
