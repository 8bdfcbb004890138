"""What is true on a field, and when a detection is close enough to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models_zoo.lengths import Length

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
MatchKind = Literal["iou", "centre"]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true on one field: `boxes` (n, 4) as x0, y0, x1, y1 in field pixels, `labels` (n,) class indices.

    A label of -1 makes no claim about the place: it is no cell to be found, and a detection there that matches nothing
    else is neither right nor wrong. `case` groups the fields of one patient; an empty one means the field stands alone.
    `um_per_px` is the field's scale where it is known. `kinds` says of each box what shape it was drawn as (circle, box
    or contour); empty where nobody asks.
    """

    boxes: NDArray[np.floating]
    labels: NDArray[np.integer]
    case: str = ""
    um_per_px: float | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """When a detection is close enough to a true cell.

    `iou`: intersection over union of the boxes of at least `iou`. The papers say "above"; pycocotools, and so this
    module, lets exactly `iou` count as a match. `centre`: centres at most `distance_px` apart (inclusive), or, where
    that is None, at most half the true cell's radius; the radius is a quarter of width + height. A `distance` in µm or
    in sizes of a cell becomes pixels of each field by `for_field`.
    """

    kind: MatchKind = "iou"
    iou: float = 0.5
    distance_px: float | None = None
    distance: Length | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("iou", "centre"):
            raise ValueError(f"cannot match by {self.kind!r}: choose 'iou' or 'centre'")
        if not 0 < self.iou <= 1:
            raise ValueError(f"an IoU of {self.iou} cannot be asked for: choose one above 0 and at most 1")
        if self.distance_px is not None and not self.distance_px > 0:
            raise ValueError(f"a distance of {self.distance_px} px matches nothing: choose one above 0, or None")
        if self.distance is not None and self.distance_px is not None:
            raise ValueError("say the distance either in pixels or as a length, not both")

    def for_field(self, um_per_px: float | None, cell_px: float | None) -> Rule:
        """This rule in pixels of a field of that scale, in a set whose median true side is `cell_px`."""
        if self.kind == "iou" or self.distance is None or not cell_px:
            return replace(self, distance=None)
        return Rule(self.kind, self.iou, self.distance.in_px(um_per_px, cell_px))

    @property
    def least(self) -> float:
        """The least `closeness` that is a match."""
        # pycocotools lowers an IoU of 1 by this much, so that rounding does not forbid a perfect box
        return min(self.iou, 1 - 1e-10) if self.kind == "iou" else float(np.finfo(np.float64).min)

    def closeness(self, found: Floats, true: Floats) -> Floats:
        """(n, m) how close each found box is to each true one: the IoU, or minus the distance (-inf: too far)."""
        return overlaps(found, true) if self.kind == "iou" else self._minus_distances(found, true)

    def _minus_distances(self, found: Floats, true: Floats) -> Floats:
        centres, true_centres = (found[:, :2] + found[:, 2:]) / 2, (true[:, :2] + true[:, 2:]) / 2
        distances = np.hypot(*np.moveaxis(centres[:, None] - true_centres[None], 2, 0))
        half_radii = (true[:, 2:] - true[:, :2]).sum(1) / 8
        limits = half_radii if self.distance_px is None else np.full(len(true), self.distance_px)
        return np.where(distances <= limits, -distances, -np.inf)

    def words(self) -> str:
        if self.kind == "iou":
            return f"IoU of the boxes at least {self.iou:g}"
        if self.distance is not None:
            return f"distance of the centres at most {self.distance.words()}"
        if self.distance_px is None:
            return "distance of the centres at most half the true cell's radius"
        return f"distance of the centres at most {self.distance_px:g} px"


def overlaps(found: Floats, true: Floats) -> Floats:
    """(n, m) intersection over union of boxes (x0, y0, x1, y1); 0 where they do not overlap or have no area."""
    inner = np.minimum(found[:, None, 2:], true[None, :, 2:]) - np.maximum(found[:, None, :2], true[None, :, :2])
    common = np.maximum(inner[..., 0], 0) * np.maximum(inner[..., 1], 0)
    found_area, true_area = np.prod(found[:, 2:] - found[:, :2], axis=1), np.prod(true[:, 2:] - true[:, :2], axis=1)
    together = found_area[:, None] + true_area[None] - common
    result: Floats = np.divide(common, together, out=np.zeros_like(common), where=common > 0)
    return result
