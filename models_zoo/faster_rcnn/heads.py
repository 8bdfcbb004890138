"""torchvision's second stage with what the zoo needs of it: scores of all classes, a choice of losses, circles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss, maskrcnn_loss
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import boxes as box_ops

from models_zoo.circles import box_circle_iou, circle_nms, circles_of
from models_zoo.faster_rcnn.ranking import score_ranking_loss
from models_zoo.parts.tied import TiedConv, TiedLinear

# A class is learned as positive from this IoU on: Liu 2022 does not say, Faster R-CNN has it so.
POSITIVE_IOU = 0.5
# The share of positives that a network believes in before it has learned anything (Lin 2017): sigmoid scores only.
PRIOR_LOGIT = -4.6


class FloatHead(RPNHead):  # type: ignore[misc]  # torchvision is not typed
    """The first stage's head, its answers in single precision: half would round places to whole pixels."""

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        scores, changes = super().forward(x)
        return [one.float() for one in scores], [one.float() for one in changes]


def circular_head(channels: int, each: int) -> FloatHead:
    """A first-stage head for so many circular anchors a place."""
    head = FloatHead(channels, each)
    head.bbox_pred = TiedConv(nn.Conv2d(channels, each * 3, 1))
    return head


def predictor(width: int, outputs: int, *, circular: bool, ranking: bool) -> Any:
    """The last layer: `outputs` scores, and for each of them the change of place."""
    found = FastRCNNPredictor(width, outputs)
    if circular:
        found.bbox_pred = TiedLinear(nn.Linear(width, outputs * 3))
    if ranking:
        nn.init.normal_(found.cls_score.weight, std=0.01)
        nn.init.constant_(found.cls_score.bias, PRIOR_LOGIT)
    return found


class CircleProposals(RegionProposalNetwork):  # type: ignore[misc]
    """The first stage on circles: overlap and suppression are those of circles, and none is cut at the border."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.box_similarity = lambda a, b: box_circle_iou(a, b, torch)

    def filter_proposals(
        self, proposals: Tensor, objectness: Tensor, _image_shapes: Any, num_anchors_per_level: list[int]
    ) -> tuple[list[Tensor], list[Tensor]]:
        scores = objectness.detach().reshape(len(proposals), -1)
        chosen = self._get_top_n_idx(scores, num_anchors_per_level)
        levels = torch.repeat_interleave(
            torch.arange(len(num_anchors_per_level)), torch.tensor(num_anchors_per_level)
        ).numpy()
        boxes, sure = [], []
        for number, some in enumerate(chosen):
            mine, score = proposals[number][some], scores[number][some].sigmoid()
            kept = circle_nms(
                circles_of(mine, torch).float().cpu().numpy(),
                score.float().cpu().numpy(),
                levels[some.cpu().numpy()],
                self.nms_thresh,
                self.post_nms_top_n(),
            )
            keep = torch.from_numpy(kept).to(mine.device)
            boxes.append(mine[keep])
            sure.append(score[keep])
        return boxes, sure


class CellHeads(RoIHeads):  # type: ignore[misc]
    """The second stage. With `ranking` (lambda, or None for cross entropy) its scores are sigmoids, one a class, and
    learned by their order among all proposals instead of a drawn sample; `circular` matches by circle IoU."""

    def __init__(self, *arguments: Any, ranking: float | None, circular: bool, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.ranking, self.circular = ranking, circular

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        if not self.circular:
            found: tuple[list[Tensor], list[Tensor]] = super().assign_targets_to_proposals(
                proposals, gt_boxes, gt_labels
            )
            return found
        pairs = [self._assign(*one) for one in zip(proposals, gt_boxes, gt_labels, strict=True)]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def _assign(self, proposals: Tensor, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if not len(boxes):
            nobody = torch.zeros(len(proposals), dtype=torch.int64, device=proposals.device)
            return nobody, nobody.clone()
        best, number = box_circle_iou(boxes, proposals, torch).max(0)
        return number, torch.where(best >= POSITIVE_IOU, labels[number], 0)

    def check_targets(self, targets: Any) -> None:
        """Masks are no duty: a mask branch that is off gets none."""

    def subsample(self, labels: list[Tensor]) -> list[Tensor]:
        """A ranking has no need of a drawn sample: every proposal takes part."""
        if self.ranking is not None:
            return [torch.arange(len(one), device=one.device) for one in labels]
        found: list[Tensor] = super().subsample(labels)
        return found

    def learn(
        self, features: dict[str, Tensor], proposals: list[Tensor], sizes: Any, targets: list[dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """The losses of the second stage; with masks in the targets that of the masks as well."""
        proposals, numbers, labels, wanted = self.select_training_samples(proposals, targets)
        scores, changes = self._second(features, proposals, sizes)
        if self.ranking is None:
            class_loss, place_loss = fastrcnn_loss(scores, changes, labels, wanted)
        else:
            truths = [one["boxes"] for one in targets]
            quality = self._quality(changes, proposals, numbers, labels, truths)
            class_loss = score_ranking_loss(scores[:, 1:].flatten(), quality.flatten(), self.ranking)
            place_loss = _place_loss(changes, torch.cat(labels), torch.cat(wanted))
        losses = {"class_loss": class_loss, "place_loss": place_loss}
        if self.mask_predictor is not None and "masks" in targets[0]:
            losses["mask_loss"] = self._mask_loss(features, proposals, sizes, targets, numbers, labels)
        return losses

    def _second(self, features: dict[str, Tensor], proposals: list[Tensor], sizes: Any) -> tuple[Tensor, Tensor]:
        kind = next(iter(features.values())).dtype
        # Under autocast torchvision's pooling sees to the kinds itself; without it both must be of one kind.
        places = proposals if torch.is_autocast_enabled() else [one.to(kind) for one in proposals]
        scores, changes = self.box_predictor(self.box_head(self.box_roi_pool(features, places, sizes)))
        return scores.float(), changes.float()

    def _quality(
        self,
        changes: Tensor,
        proposals: list[Tensor],
        numbers: list[Tensor],
        labels: list[Tensor],
        truths: list[Tensor],
    ) -> Tensor:
        """(n, classes) the IoU of each positive's box, as the network would place it now, with its cell; else 0."""
        label = torch.cat(labels)
        quality = torch.zeros((len(label), changes.shape[1] // 4 - 1), device=changes.device)
        rows = torch.nonzero(label > 0).flatten()
        if not len(rows):
            return quality
        placed = self.box_coder.decode(changes.detach(), proposals)[rows, label[rows]]
        cells = torch.cat(
            [
                boxes[number] if len(boxes) else one.new_zeros((len(one), 4))
                for boxes, number, one in zip(truths, numbers, proposals, strict=True)
            ]
        )[rows]
        overlap = _paired_iou(placed, cells)
        # A positive stays one, however badly it is placed by now.
        quality[rows, label[rows] - 1] = overlap.clamp(min=1e-3)
        return quality

    def _mask_loss(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        sizes: Any,
        targets: Sequence[dict[str, Tensor]],
        numbers: list[Tensor],
        labels: list[Tensor],
    ) -> Tensor:
        rows = [torch.nonzero(one > 0).flatten() for one in labels]
        mine = [one[row] for one, row in zip(proposals, rows, strict=True)]
        if not sum(len(one) for one in mine):
            return next(iter(features.values())).sum() * 0
        logits = self.mask_predictor(self.mask_head(self.mask_roi_pool(features, mine, sizes)))
        found: Tensor = maskrcnn_loss(
            logits.float(),
            mine,
            [one["masks"] for one in targets],
            [one["labels"] for one in targets],
            [one[row] for one, row in zip(numbers, rows, strict=True)],
        )
        return found

    def propose(self, features: dict[str, Tensor], proposals: list[Tensor], sizes: Any) -> list[tuple[Tensor, Tensor]]:
        """For each picture boxes (n, 4) and scores (n, classes): one box a proposal, that of its best class."""
        counts = [len(one) for one in proposals]
        scores, changes = self._second(features, proposals, sizes)
        sure = scores.softmax(1)[:, 1:] if self.ranking is None else scores[:, 1:].sigmoid()
        placed = self.box_coder.decode(changes, proposals)
        boxes = placed[torch.arange(len(placed), device=placed.device), sure.argmax(1) + 1]
        pairs = zip(torch.split(boxes, counts), torch.split(sure, counts), sizes, strict=True)
        return [(one if self.circular else box_ops.clip_boxes_to_image(one, size), score) for one, score, size in pairs]


def _place_loss(changes: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    """Smooth L1 over the positives, by their number: all proposals take part, not a sample of fixed size."""
    rows = torch.nonzero(labels > 0).flatten()
    mine = changes.reshape(len(changes), -1, 4)[rows, labels[rows]]
    loss: Tensor = functional.smooth_l1_loss(mine, wanted[rows], beta=1 / 9, reduction="sum")
    return loss / max(1, len(rows))


def _paired_iou(a: Tensor, b: Tensor) -> Tensor:
    """(n,) IoU of the boxes of `a` (n, 4) with those of `b` (n, 4) in the same row."""
    inner = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    areas = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1) + (b[:, 2:] - b[:, :2]).clamp(min=0).prod(1)
    return inner / (areas - inner).clamp(min=1e-9)
