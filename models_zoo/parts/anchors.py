"""Anchors for cells. The zoo scales fields so that a 12 µm cell has 40 px; a platelet has 8, a megakaryocyte 150."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList


class CellAnchors(AnchorGenerator):  # type: ignore[misc]  # torchvision is not typed
    """torchvision's anchors, always in single precision: in half, a place beyond 1024 would be rounded to pixels."""

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        shapes = [torch.empty((), device=one.device).expand(one.shape) for one in feature_maps]
        found: list[Tensor] = super().forward(image_list, shapes)
        return found


def anchors(smallest: float, levels: int, scales: int, ratios: Sequence[float]) -> Any:
    """Anchors for so many levels, each level twice as large as the one before, with `scales` steps between them."""
    sizes = tuple(
        tuple(smallest * 2**level * 2 ** (step / scales) for step in range(scales)) for level in range(levels)
    )
    return CellAnchors(sizes, (tuple(ratios),) * levels)


def image_list(pictures: Tensor) -> ImageList:
    """Pictures of one size as torchvision's detectors want them, without its resizing."""
    height, width = pictures.shape[-2:]
    return ImageList(pictures, [(height, width)] * len(pictures))


def normalised(pictures: Tensor) -> Tensor:
    """Pictures in 0..1 about zero, by the means that torchvision's ResNets are used to."""
    mean = pictures.new_tensor((0.485, 0.456, 0.406))[:, None, None]
    spread = pictures.new_tensor((0.229, 0.224, 0.225))[:, None, None]
    return (pictures - mean) / spread
