"""What a crop may look like in training (METHODS section 5): turned, mirrored, lit otherwise, cropped and zoomed."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

DEGREES = 20.0
ZOOM = 0.15
SHIFT = 0.06
BRIGHTNESS = CONTRAST = 0.2


def augmented(batch: Tensor, chance: torch.Generator) -> Tensor:
    """`batch` (b, 3, h, w) in 0..1, each picture changed by its own draws from `chance` (a generator on the CPU)."""
    count = len(batch)
    draws = torch.rand(count, 8, generator=chance).to(batch.device) * 2 - 1
    angle = draws[:, 0] * math.radians(DEGREES)
    zoom = 1 + draws[:, 1] * ZOOM
    flip_x, flip_y = draws[:, 2].sign(), draws[:, 3].sign()
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    rows = [
        torch.stack([cosine * flip_x, -sine * flip_y, draws[:, 4] * SHIFT], 1),
        torch.stack([sine * flip_x, cosine * flip_y, draws[:, 5] * SHIFT], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(batch.shape), align_corners=False)
    turned = functional.grid_sample(batch, grid, padding_mode="reflection", align_corners=False)
    light, contrast = (1 + draws[:, 6] * BRIGHTNESS), (1 + draws[:, 7] * CONTRAST)
    mean = turned.mean((1, 2, 3), keepdim=True)
    lit = (turned - mean) * contrast.view(-1, 1, 1, 1) + mean * light.view(-1, 1, 1, 1)
    return lit.clamp(0, 1)
