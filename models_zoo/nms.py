"""Choosing one box a cell: greedy and area-based non-maximum suppression, and the merging of what tiles saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_zoo.detections import Detections
from models_zoo.tiles import Tile

Numbers = NDArray[np.floating[Any]]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

# Rows compared at once: large enough to keep numpy busy, small enough for the processor's cache.
_CHUNK = 256

# Two tiles see the same cell a little differently, so boxes of different tiles count as one cell from this IoU on.
ACROSS_TILES_IOU = 0.5
# A box that ends this near an inner border of its tile shows a cell that the border cuts.
BORDER_PX = 2.0
# A cut box gives way to a whole one of another tile that shares this part of the smaller of the two, ...
_COVERED = 0.7
# ... is not a much smaller cell lying upon it, and is believed at least this much compared with the cut one.
_LEAST_AREA, _LEAST_SCORE = 0.5, 0.1
# As much as a box that wipes out smaller ones must be believed, beside the smaller one's score.
_LEAST_BELIEF = 0.5


def iou_matrix(a: Numbers, b: Numbers) -> Numbers:
    """Intersection over union of every box of `a` (n, 4) with every one of `b` (m, 4): (n, m), 0 without area."""
    shared = _shared(a, b)
    union = _area(a)[:, None] + _area(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _area(boxes: Numbers) -> Numbers:
    return np.asarray(np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0))


def _shared(a: Numbers, b: Numbers) -> Numbers:
    """(n, m) areas of intersection."""
    width = np.minimum(a[:, 2, None], b[:, 2]) - np.maximum(a[:, 0, None], b[:, 0])
    height = np.minimum(a[:, 3, None], b[:, 3]) - np.maximum(a[:, 1, None], b[:, 1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    return np.asarray(np.multiply(width, height, out=width))


def nms(
    boxes: Numbers,
    scores: Numbers,
    labels: NDArray[np.integer[Any]] | None,
    iou: float,
    max_detections: int,
    tiles: Indices | None = None,
) -> Indices:
    """Indices of the boxes kept, best first: each drops the weaker ones whose IoU with it is above `iou`.

    `boxes` (n, 4), `scores` (n,). With `labels` (n,) only boxes of one class suppress each other, with None all
    do. With `tiles` (n,), the number of the tile that saw each box, boxes of different tiles suppress each other
    whatever their class, from ACROSS_TILES_IOU on. Of equal scores the earlier one wins.
    """
    order = np.argsort(-scores, kind="stable")
    rivals = _Rivals(boxes, labels, tiles, iou)
    kept = np.zeros(0, np.intp)
    for start in range(0, len(order), _CHUNK):
        chunk = order[start : start + _CHUNK]
        if len(kept):
            chunk = chunk[~rivals.matrix(kept, chunk).any(0)]
        kept = np.concatenate([kept, chunk[greedy(rivals.matrix(chunk, chunk))]])
        if len(kept) >= max_detections:
            break
    return kept[:max_detections]


class _Rivals:
    """Which boxes cannot both stay."""

    def __init__(
        self, boxes: Numbers, labels: NDArray[np.integer[Any]] | None, tiles: Indices | None, iou: float
    ) -> None:
        self.boxes, self.labels, self.tiles, self.iou = boxes, labels, tiles, iou
        self.areas = _area(boxes)

    def matrix(self, a: Indices, b: Indices) -> Flags:
        """(len(a), len(b)) flags for the boxes with these indices."""
        shared = _shared(self.boxes[a], self.boxes[b])
        union = self.areas[a, None] + self.areas[b] - shared
        over = shared > self.iou * union
        if self.labels is not None:
            over &= self.labels[a, None] == self.labels[b]
        if self.tiles is not None:
            over |= (shared > ACROSS_TILES_IOU * union) & (self.tiles[a, None] != self.tiles[b])
        return np.asarray(over)


def greedy(rivals: Flags) -> Flags:
    """Which of the rows, best first, stay, given which pairs cannot both stay."""
    later = np.triu(rivals, 1)
    alive = np.ones(len(rivals), np.bool_)
    for row in np.flatnonzero(later.any(1)):
        if alive[row]:
            alive &= ~later[row]
    return alive


def merge_tiles(parts: Sequence[tuple[Tile, Detections]], iou: float = 0.6, max_detections: int = 1000) -> Detections:
    """What the tiles of one field saw (in tile pixels), as detections of the field in working pixels, best first.

    A cell in the overlap of two tiles comes out once. Where a tile's border cuts a cell that a neighbour sees
    whole, the whole view stays, even if the cut one has the higher score. A cell larger than the overlap may be
    cut in every tile and then come out twice. `parts` must not be empty.
    """
    if len(parts) == 1 and (parts[0][0].x, parts[0][0].y) == (0, 0):
        found, number = parts[0][1], np.zeros(len(parts[0][1]), np.intp)
    else:
        found, number = _together(parts)
        whole = ~_cut([tile for tile, _ in parts], number, found.boxes)
        keep = whole | ~_seen_whole_elsewhere(found, number, whole)
        found, number = found[keep], number[keep]
    return found[nms(found.boxes, found.top, found.labels, iou, max_detections, number)]


def _together(parts: Sequence[tuple[Tile, Detections]]) -> tuple[Detections, Indices]:
    """All detections in working pixels, and for each the number of its tile."""
    boxes = [part.boxes + np.array([tile.x, tile.y, tile.x, tile.y], np.float32) for tile, part in parts]
    found = Detections(
        np.concatenate(boxes),
        np.concatenate([part.scores for _, part in parts]),
        np.concatenate([part.features for _, part in parts]),
    )
    return found, np.repeat(np.arange(len(parts)), [len(part) for _, part in parts])


def _cut(tiles: Sequence[Tile], number: Indices, boxes: Numbers) -> Flags:
    """(n,) whether a box ends at a border of its tile that is not a border of the whole picture."""
    borders = np.array([(t.x, t.y, t.x + t.width, t.y + t.height) for t in tiles], np.float32)
    # The borders of the picture itself cut cells too, but no tile sees more of those.
    low, high = borders[:, :2].min(0), borders[:, 2:].max(0)
    borders[:, :2] = np.where(borders[:, :2] > low, borders[:, :2] + BORDER_PX, -np.inf)
    borders[:, 2:] = np.where(borders[:, 2:] < high, borders[:, 2:] - BORDER_PX, np.inf)
    own = borders[number]
    return np.asarray((boxes[:, :2] <= own[:, :2]).any(1) | (boxes[:, 2:] >= own[:, 2:]).any(1))


def _seen_whole_elsewhere(found: Detections, number: Indices, whole: Flags) -> Flags:
    """(n,) whether another tile has a whole box at the place of this one; only asked for the ones that are cut.

    Tile by tile, because the cut boxes of one lie together: what does not reach them is not compared with them.
    """
    cut, rest = np.flatnonzero(~whole), np.flatnonzero(whole)
    answer = np.zeros(len(found), np.bool_)
    for tile in np.unique(number[cut]):
        some = cut[number[cut] == tile]
        others = rest[number[rest] != tile]
        near = others[_reaching(found.boxes[others], found.boxes[some])]
        for start in range(0, len(some), _CHUNK):
            part = some[start : start + _CHUNK]
            answer[part] = _covered(found, part, near)
    return answer


def _reaching(boxes: Numbers, some: Numbers) -> Flags:
    """(n,) whether a box of `boxes` (n, 4) meets the rectangle round `some` (m, 4), m at least 1."""
    low, high = some[:, :2].min(0), some[:, 2:].max(0)
    return np.asarray((boxes[:, :2] < high).all(1) & (boxes[:, 2:] > low).all(1))


def _covered(found: Detections, cut: Indices, whole: Indices) -> Flags:
    """(len(cut),) whether one of the boxes `whole` shows the cell that this cut box shows a part of."""
    area, top = _area(found.boxes), found.top
    same = _shared(found.boxes[cut], found.boxes[whole]) >= _COVERED * np.minimum(area[cut, None], area[whole])
    same &= area[whole] >= _LEAST_AREA * area[cut, None]
    return np.asarray((same & (top[whole] >= _LEAST_SCORE * top[cut, None])).any(1))


def anms(
    boxes: Numbers, scores: Numbers, labels: NDArray[np.integer[Any]] | None, share: float, iou: float = 0.6
) -> Indices:
    """Indices of the boxes kept by area-based non-maximum suppression, in the order given.

    Gräbel 2021: "ANMS additionally excludes smaller predictions that are largely within another prediction" (a nucleus
    inside its own cell). With `boxes` (n, 4) and `scores` (n,), box i goes where a larger kept box j has

        area(i and j) / area(i) > share

    whatever their scores say of which is the better. The document is silent on two points. A larger box counts only
    where it is believed half as much as the smaller one, else a network's faint guesses, which average precision wants
    to see, would wipe out sure cells: at a tenth, large boxes of a RetinaNet that had learned little took all its cells
    with them. And two boxes of different `labels` (n,) whose IoU is above `iou` are two
    opinions on one cell, which is not this rule's business. The larger are taken first; of equal areas the surer one,
    then the earlier one, counts as the larger. Raises ValueError for a share outside 0.5 to 1: below, neighbours would
    drop each other.
    """
    if not 0.5 <= share <= 1:
        raise ValueError(f"the share of a box that must lie within a larger one is from 0.5 to 1, not {share}")
    areas = _area(boxes)
    order = np.lexsort((-scores, -areas))
    alive = np.ones(len(boxes), np.bool_)
    for place, index in enumerate(order):
        rest = order[place + 1 :]
        rest = rest[alive[rest]]
        if not alive[index] or not len(rest):
            continue
        shared = _shared(boxes[index][None], boxes[rest])[0]
        within = (shared > share * areas[rest]) & (scores[index] >= _LEAST_BELIEF * scores[rest])
        if labels is not None:
            opinions = shared > iou * (areas[index] + areas[rest] - shared)
            within &= (labels[rest] == labels[index]) | ~opinions
        alive[rest[within]] = False
    return np.flatnonzero(alive)


def without_inner(found: Detections, share: float, iou: float = 0.6) -> Detections:
    """`found` without what `anms` drops; all of it where `share` is 0, which means that the rule is off."""
    return found[anms(found.boxes, found.top, found.labels, share, iou)] if share else found


def one_per_cell(found: Detections, iou: float = 0.7) -> Detections:
    """`found` without doubles: of boxes of any class with an IoU above `iou` only the best stays, best first.

    Metrics want every class's own candidate; people want one shape a cell.
    """
    return found[nms(found.boxes, found.top, None, iou, max(1, len(found)))]
