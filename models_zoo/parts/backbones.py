"""Feature pyramids: ResNets of torchvision with new weights (nothing is ever downloaded), and a small one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

Norm = Callable[[int], nn.Module]

TINY_WIDTH = 48


def norm_layer(kind: str) -> Norm:
    """Batch norm wants several pictures a step; group and instance norm do not mind a batch of one."""
    if kind == "batch":
        return nn.BatchNorm2d
    if kind == "instance":
        return partial(nn.InstanceNorm2d, affine=True)
    return _group_norm


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(next(groups for groups in (32, 16, 8, 4, 2, 1) if channels % (2 * groups) == 0), channels)


class TinyBackbone(nn.Module):
    """Five halvings of few channels and a pyramid over the last ones: trains in seconds on a CPU.

    Gives maps at strides 8, 16 and 32 as "0", "1" and "2", each of `out_channels`.
    """

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        widths = (16, 24, 32, 48, 64)
        self.stages = nn.ModuleList(
            _stage(before, after, norm) for before, after in zip((3, *widths), widths, strict=False)
        )
        self.fpn = FeaturePyramidNetwork(list(widths[2:]), TINY_WIDTH, norm_layer=norm)
        self.out_channels = TINY_WIDTH

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps: dict[str, Tensor] = {}
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number >= 2:
                maps[str(number - 2)] = x
        found: dict[str, Tensor] = self.fpn(maps)
        return found


def _stage(before: int, after: int, norm: Norm) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
        norm(after),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        norm(after),
        nn.ReLU(inplace=True),
    )


def pyramid(name: str, norm: str, layers: Sequence[int], *, p6p7: bool = False) -> Any:
    """The backbone `name` (tiny, resnet18, resnet50, resnet101) with maps of `layers` (1 to 4, strides 4 to 32).

    `p6p7` adds two levels by convolution as RetinaNet does, else one by pooling as Faster R-CNN does.
    """
    if name == "tiny":
        return TinyBackbone(norm_layer(norm))
    # The last stage has 2048 channels in the bottleneck ResNets, 512 in the small one.
    extra = LastLevelP6P7(256, 256) if p6p7 else LastLevelMaxPool()
    return resnet_fpn_backbone(
        backbone_name=name,
        weights=None,
        norm_layer=norm_layer(norm),
        trainable_layers=5,
        returned_layers=list(layers),
        extra_blocks=extra,
    )
