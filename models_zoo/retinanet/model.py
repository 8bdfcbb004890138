"""RetinaNet (Lin 2017) of torchvision as a network of the zoo, with boxes or, in its own family, with circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.retinanet import RetinaNet, RetinaNetHead
from torchvision.ops import box_iou

from models_zoo import circles
from models_zoo.circles import circles_of, squares_of
from models_zoo.detections import Detections
from models_zoo.parts.anchors import anchors, image_list, normalised
from models_zoo.parts.backbones import norm_layer, pyramid
from models_zoo.parts.tied import TiedConv
from models_zoo.spec import Value
from models_zoo.training.network import Candidates, CellNetwork, Limits, Targets, pooled

# Candidates of one picture that go on to suppression.
MOST = 2000
BACKBONES = {"tiny": "tiny", "r18": "resnet18", "r101": "resnet101"}
STRIDES = (8, 16, 32)


class RetinaCells(CellNetwork):
    """torchvision's RetinaNet; `circular` makes anchors, overlaps and suppression those of circles."""

    def __init__(self, backbone: str, classes: int, parameters: Mapping[str, Value], *, circular: bool) -> None:
        super().__init__()
        self.classes, self.circular = classes, circular
        levels = 3 if backbone == "tiny" else 5
        ratios = (1.0,) if circular or backbone == "tiny" else (0.5, 1.0, 2.0)
        grid = anchors(float(parameters["smallest_anchor"]), levels, 3, ratios)
        body = pyramid(backbone, str(parameters["norm"]), (2, 3, 4), p6p7=True)
        each = grid.num_anchors_per_location()[0]
        # Without norms between its layers a new head needs thousands of steps before it says anything.
        head = RetinaNetHead(body.out_channels, each, classes, norm_layer=norm_layer("group"))
        if circular:
            conv = nn.Conv2d(body.out_channels, each * 3, 3, padding=1)
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
            head.regression_head.bbox_reg = TiedConv(conv)
        self.net = RetinaNet(body, classes, anchor_generator=grid, head=head)

    def losses(self, pictures: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        found, grid, _ = self._raw(pictures)
        truths = [self._truth(one, pictures.device) for one in targets]
        matched = [self._match(one["boxes"], places) for one, places in zip(truths, grid, strict=True)]
        losses: dict[str, Tensor] = self.net.head.compute_loss(truths, found, grid, matched)
        return {"class_loss": losses["classification"], "place_loss": losses["bbox_regression"]}

    def _raw(self, pictures: Tensor) -> tuple[dict[str, Tensor], list[Tensor], list[Tensor]]:
        """What the head says in single precision, the anchors of each picture, and the maps it looked at."""
        maps = list(self.net.backbone(normalised(pictures)).values())
        found = {name: value.float() for name, value in self.net.head(maps).items()}
        return found, self.net.anchor_generator(image_list(pictures), maps), maps

    def _truth(self, one: Targets, device: torch.device) -> dict[str, Tensor]:
        boxes = torch.from_numpy(one.whole if self.circular else one.boxes).to(device)
        if self.circular:
            boxes = squares_of(circles_of(boxes, torch), torch)
        return {"boxes": boxes, "labels": torch.from_numpy(one.labels).to(device)}

    def _match(self, boxes: Tensor, places: Tensor) -> Tensor:
        """(anchors,) the number of the cell that each anchor answers for, -1: background, -2: neither."""
        if not len(boxes):
            return torch.full((len(places),), -1, dtype=torch.int64, device=places.device)
        overlap = circles.box_circle_iou(boxes, places, torch) if self.circular else box_iou(boxes, places)
        found: Tensor = self.net.proposal_matcher(overlap)
        return found

    def candidates(self, pictures: Tensor, limits: Limits) -> list[Candidates]:
        found, grid, maps = self._raw(pictures)
        scores = found["cls_logits"].sigmoid()
        top, best = scores.amax(2).topk(min(MOST, scores.shape[1]), 1)
        del top
        size = (pictures.shape[-2], pictures.shape[-1])
        boxes = [self._decode(found["bbox_regression"][n][best[n]], grid[n][best[n]], size) for n in range(len(best))]
        vectors = (
            pooled(maps[:3], STRIDES, boxes) if limits.features else [one.new_zeros((len(one), 0)) for one in boxes]
        )
        return [
            Candidates(one, scores[n][best[n]], vector)
            for n, (one, vector) in enumerate(zip(boxes, vectors, strict=True))
        ]

    def _decode(self, changes: Tensor, places: Tensor, size: tuple[int, int]) -> Tensor:
        """Boxes end at the border of the picture, as the ones they learned from; circles do not."""
        boxes: Tensor = self.net.box_coder.decode_single(changes, places)
        if self.circular:
            return boxes
        height, width = size
        return torch.stack([boxes[:, k].clamp(0, (width, height)[k % 2]) for k in range(4)], 1)

    def suppress(self, found: Detections, iou: float, most: int) -> Detections:
        if not self.circular:
            return super().suppress(found, iou, most)
        return found[circles.circle_nms(circles_of(found.boxes), found.top, found.labels, iou, most)]


def backbone_of(variant: str) -> str:
    """`retinanet-tiny` is built on the tiny backbone, `retinanet` on a ResNet-50, `retinanet-r101` on that."""
    return BACKBONES.get(variant.partition("-")[2], "resnet50")


def build(variant: str, classes: int, parameters: Mapping[str, Value]) -> Any:
    return RetinaCells(backbone_of(variant), classes, parameters, circular=False)
