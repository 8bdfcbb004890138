"""Heads that speak of circles: centre and one radius, where torchvision's speak of width and height apart.

A circle stands as its square, so a head that gives both sides one and the same change keeps squares squares, and all
else of a detector stays as it is (Gräbel 2021 has it for RetinaNet and names Mask R-CNN as future work).
"""

from __future__ import annotations

from torch import Tensor, nn

_SIDES = (0, 1, 2, 2)


class TiedConv(nn.Module):
    """(n, 3 k, h, w) of `conv` as (n, 4 k, h, w): dx, dy, dr, dr for each of k anchors."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        found = self.conv(x)
        n, channels, height, width = found.shape
        sides: Tensor = found.reshape(n, channels // 3, 3, height, width)[:, :, _SIDES]
        return sides.reshape(n, -1, height, width)


class TiedLinear(nn.Module):
    """(n, 3 k) of `linear` as (n, 4 k)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        found = self.linear(x)
        sides: Tensor = found.reshape(len(found), -1, 3)[:, :, _SIDES]
        return sides.reshape(len(found), -1)
