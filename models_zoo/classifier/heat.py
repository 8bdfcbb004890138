"""Heat maps without torch: Grad-CAM from the evidence of a class, its place in the crop, the share inside the cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Heat = NDArray[np.float32]


def grad_cam(evidence: NDArray[np.floating], side: int) -> Heat:
    """(side, side) in 0..1, the highest 1 (all 0 where nothing speaks for the class): relu of `evidence` (h, w).

    Selvaraju 2017, equations 1 and 2, exact for a mean and a linear layer (models_zoo/classifier/model.py); enlarged
    bilinearly, as captum does.
    """
    return scaled(enlarged(np.maximum(evidence, 0), side))


def enlarged(values: NDArray[np.floating], side: int) -> Heat:
    picture = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR), np.float32)


def scaled(values: NDArray[np.floating]) -> Heat:
    """`values` divided by their highest; below 0 counts as 0."""
    positive = np.maximum(np.asarray(values, np.float32), 0)
    highest = float(positive.max(initial=0))
    return (positive / highest).astype(np.float32) if highest > 0 else positive


def share_inside(heat: NDArray[np.floating], contour: NDArray[np.floating]) -> float | None:
    """The share of all heat (h, w) that lies inside `contour` (n, 2), in pixels of the crop; None without heat.

    METHODS section 5: a map is checked for whether its heat lies on what a morphologist would name.
    """
    total = float(heat.sum())
    if not total > 0 or len(contour) < 3:
        return None
    mask = Image.new("L", heat.shape[::-1])
    # Pillow counts from pixel centres, we from pixel corners: half a pixel less.
    ImageDraw.Draw(mask).polygon([(float(x) - 0.5, float(y) - 0.5) for x, y in contour], fill=1)
    return float((heat * np.asarray(mask)).sum()) / total


def circle_points(cx: float, cy: float, radius: float, count: int = 48) -> NDArray[np.float64]:
    """(count, 2) points on a circle, for cells that have no exact contour."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([cx + radius * np.cos(angles), cy + radius * np.sin(angles)], 1)


def over(pixels: NDArray[np.uint8], heat: NDArray[np.floating], strength: float = 0.6) -> NDArray[np.uint8]:
    """The crop (h, w, 3) with the heat (h, w) laid over it: from nothing over yellow to red."""
    level = np.clip(heat, 0, 1)[..., None].astype(np.float32)
    colour = np.concatenate([np.full_like(level, 255), 255 * (1 - level), np.zeros_like(level)], 2)
    mixed = pixels * (1 - strength * level) + colour * strength * level
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)
