"""Faster R-CNN (Ren 2015) and, with a mask branch, Mask R-CNN (He 2017) of torchvision as networks of the zoo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import MultiScaleRoIAlign

from models_zoo import paint
from models_zoo.circles import circle_nms, circles_of, squares_of
from models_zoo.detections import Detections
from models_zoo.faster_rcnn.heads import CellHeads, CircleProposals, FloatHead, circular_head, predictor
from models_zoo.parts.anchors import anchors, image_list, normalised
from models_zoo.parts.backbones import pyramid
from models_zoo.spec import Value
from models_zoo.training.network import Candidates, CellNetwork, Limits, Targets, pooled
from models_zoo.training.pictures import Pictures

BACKBONES = {"tiny": "tiny", "r18": "resnet18", "r101": "resnet101"}


@dataclass(frozen=True, slots=True)
class Size:
    """What is smaller in a tiny network. `levels`: maps that are pooled from, of the strides `strides`."""

    levels: tuple[str, ...]
    strides: tuple[int, ...]
    anchor_levels: int
    proposals: int
    learned: int
    width: int


TINY = Size(("0", "1", "2"), (8, 16, 32), 3, 150, 64, 128)
WHOLE = Size(("0", "1", "2", "3"), (4, 8, 16, 32), 5, 1000, 512, 1024)


class RegionCells(CellNetwork):
    """Two stages: places that could be cells, then what each of them is.

    `masks` adds the mask branch, which learns from contours alone: it is off where most of the training's cells are
    circles or boxes (Gräbel 2021 switches it off for weak annotations). Looking does without it: the zoo's detections
    are boxes.
    """

    def __init__(
        self,
        backbone: str,
        classes: int,
        parameters: Mapping[str, Value],
        *,
        circular: bool = False,
        masks: bool = False,
    ) -> None:
        super().__init__()
        self.classes, self.circular = classes, circular
        self.branch = str(parameters.get("mask_branch", "off")) if masks else "off"
        self.with_masks = self.branch == "on"
        size = TINY if backbone == "tiny" else WHOLE
        self.levels, self.strides = size.levels, size.strides
        self.backbone = pyramid(backbone, str(parameters["norm"]), (1, 2, 3, 4))
        self.rpn = _first_stage(self.backbone.out_channels, size, parameters, circular)
        ranking = float(parameters["ranking_lambda"]) if parameters.get("loss") == "ranking" else None
        self.heads = _second_stage(self.backbone.out_channels, size, classes, ranking, circular)
        if self.branch != "off":
            _add_masks(self.heads, self.backbone.out_channels, size, classes)

    def learn_from(self, pictures: Pictures) -> None:
        contours, total = pictures.kinds.get("contour", 0), sum(pictures.kinds.values())
        self.with_masks = self.branch == "on" or (self.branch == "auto" and contours * 2 > total)

    def losses(self, pictures: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        maps = self.backbone(normalised(pictures))
        images = image_list(pictures)
        truths = [self._truth(one, pictures) for one in targets]
        with _learning(self.rpn, self.heads):
            proposals, first = self.rpn(images, maps, truths)
            second = self.heads.learn(maps, proposals, images.image_sizes, truths)
        return {"object_loss": first["loss_objectness"], "proposal_loss": first["loss_rpn_box_reg"], **second}

    def _truth(self, one: Targets, pictures: Tensor) -> dict[str, Tensor]:
        device = pictures.device
        boxes = torch.from_numpy(one.whole if self.circular else one.boxes).to(device)
        if self.circular:
            boxes = squares_of(circles_of(boxes, torch), torch)
        # torchvision counts classes from 1: 0 is background.
        truth = {"boxes": boxes, "labels": torch.from_numpy(one.labels).to(device) + 1}
        if self.with_masks:
            masks = np.zeros((len(one), *pictures.shape[-2:]), np.uint8)
            for mask, outline in zip(masks, one.outlines, strict=True):
                paint.fill(mask, outline)
            truth["masks"] = torch.from_numpy(masks).to(device)
        return truth

    def candidates(self, pictures: Tensor, limits: Limits) -> list[Candidates]:
        maps = self.backbone(normalised(pictures))
        images = image_list(pictures)
        proposals, _ = self.rpn(images, maps)
        found = self.heads.propose(maps, proposals, images.image_sizes)
        boxes = [one for one, _ in found]
        if limits.features:
            vectors = pooled([maps[name] for name in self.levels[-3:]], self.strides[-3:], boxes)
        else:
            vectors = [one.new_zeros((len(one), 0)) for one in boxes]
        return [Candidates(one, score, vector) for (one, score), vector in zip(found, vectors, strict=True)]

    def suppress(self, found: Detections, iou: float, most: int) -> Detections:
        if not self.circular:
            return super().suppress(found, iou, most)
        return found[circle_nms(circles_of(found.boxes), found.top, found.labels, iou, most)]


@contextmanager
def _learning(*parts: Any) -> Iterator[None]:
    """torchvision's parts reckon losses in training mode alone; their layers stay in the mode they are in."""
    before = [part.training for part in parts]
    for part in parts:
        part.training = True
    try:
        yield
    finally:
        for part, mode in zip(parts, before, strict=True):
            part.training = mode


def _first_stage(channels: int, size: Size, parameters: Mapping[str, Value], circular: bool) -> Any:
    ratios = (1.0,) if circular or size is TINY else (0.5, 1.0, 2.0)
    grid = anchors(float(parameters["smallest_anchor"]), size.anchor_levels, 2, ratios)
    each = grid.num_anchors_per_location()[0]
    head = circular_head(channels, each) if circular else FloatHead(channels, each)
    before, after = {"training": 2 * size.proposals, "testing": size.proposals}, size.proposals
    stage = CircleProposals if circular else RegionProposalNetwork
    return stage(grid, head, 0.7, 0.3, size.learned // 2, 0.5, before, {"training": after, "testing": after}, 0.7)


def _second_stage(channels: int, size: Size, classes: int, ranking: float | None, circular: bool) -> Any:
    pool = MultiScaleRoIAlign(list(size.levels), output_size=7, sampling_ratio=2)
    return CellHeads(
        pool,
        TwoMLPHead(channels * 49, size.width),
        predictor(size.width, classes + 1, circular=circular, ranking=ranking is not None),
        0.5,
        0.5,
        size.learned,
        0.25,
        None,
        0.0,
        0.5,
        1000,
        ranking=ranking,
        circular=circular,
    )


def _add_masks(heads: Any, channels: int, size: Size, classes: int) -> None:
    depth = 2 if size is TINY else 4
    width = channels if size is TINY else 256
    heads.mask_roi_pool = MultiScaleRoIAlign(list(size.levels), output_size=14, sampling_ratio=2)
    heads.mask_head = MaskRCNNHeads(channels, (width,) * depth, 1)
    heads.mask_predictor = MaskRCNNPredictor(width, width, classes + 1)


def backbone_of(variant: str) -> str:
    """`faster_rcnn-tiny` is built on the tiny backbone, `faster_rcnn` on a ResNet-50, `faster_rcnn-r101` on that."""
    parts = variant.split("-")[1:]
    return next((BACKBONES[part] for part in parts if part in BACKBONES), "resnet50")


def build(variant: str, classes: int, parameters: Mapping[str, Value]) -> Any:
    return RegionCells(backbone_of(variant), classes, parameters)
