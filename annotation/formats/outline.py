"""Contours of pixel masks."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage
from shapely.geometry import Polygon
from skimage.measure import find_contours

SIMPLIFY_PX = 0.5


def outline(mask: npt.NDArray[np.bool_], top: int = 0, left: int = 0) -> tuple[float, ...]:
    """The outer contour x0, y0, x1, y1, ... of one connected piece of pixels, holes filled, in pixel edges.

    `mask` (h, w) may be cut out of a larger one at row `top` and column `left`. Marching squares (Lorensen & Cline
    1987) at half height run through the middle between two pixel centres, which is their common edge; they cut
    corners, and the line is simplified by at most SIMPLIFY_PX, so it is scaled about its centre until its area is the
    number of pixels again, and kept inside the mask's rectangle.
    """
    filled = ndimage.binary_fill_holes(mask)
    padded = np.pad(filled, 1).astype(np.float64)
    lines = find_contours(padded, 0.5, fully_connected="high")
    rings = [Polygon(line[:-1, ::-1] - 0.5) for line in lines if len(line) > 3]
    ring = max(rings, key=lambda polygon: polygon.area)
    simple = Polygon(shapely.get_exterior_ring(ring.simplify(SIMPLIFY_PX, preserve_topology=True)))
    points = np.asarray(simple.exterior.coords)[:-1]
    centre = np.array([simple.centroid.x, simple.centroid.y])
    scale = math.sqrt(int(filled.sum()) / simple.area)
    height, width = mask.shape
    points = np.clip(centre + (points - centre) * scale, 0, (width, height)) + np.array([left, top])
    return tuple(float(value) for value in points.round(3).ravel())
