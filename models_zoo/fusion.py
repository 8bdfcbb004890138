"""Many predictions into one: weighted box clustering, and the four mirrored views of a picture.

Gräbel 2021: test-time augmentation (mirroring on two axes, four views) and an ensemble of five models make twenty
predictions, "which are combined using Weighted Box Clustering (WBC)", Jaeger 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models_zoo.detections import Detections, nothing
from models_zoo.images import Pixels
from models_zoo.nms import iou_matrix

# (left and right changed, up and down changed)
VIEWS = ((False, False), (True, False), (False, True), (True, True))
View = tuple[bool, bool]

# Jaeger's implementation drops clusters below this; average precision here asks from 0.001 on.
LEAST = 0.001
WBC_IOU = 0.5


def mirrored(image: Pixels, view: View) -> Pixels:
    """`image` (h, w, 3) as that view shows it; the same view applied twice gives the picture back."""
    across, down = view
    return np.ascontiguousarray(image[:: -1 if down else 1, :: -1 if across else 1])


def mirrored_back(found: Detections, view: View, width: int, height: int) -> Detections:
    """What was found on a mirrored field of that size, in pixels of the field as it is."""
    across, down = view
    boxes = found.boxes.copy()
    if across:
        boxes[:, [0, 2]] = width - found.boxes[:, [2, 0]]
    if down:
        boxes[:, [1, 3]] = height - found.boxes[:, [3, 1]]
    return Detections(boxes, found.scores, found.features)


def look_four_ways(look: Callable[[Pixels], Detections], image: Pixels) -> list[Detections]:
    """What `look` finds on each of the four views, in pixels of `image` (h, w, 3)."""
    height, width = image.shape[:2]
    return [mirrored_back(look(mirrored(image, view)), view, width, height) for view in VIEWS]


def weighted_box_clustering(
    parts: Sequence[Detections], iou: float = WBC_IOU, *, expected: int | None = None, least: float = LEAST
) -> Detections:
    """The predictions `parts` of one field, one a view and model, as one, best first.

    Weighted box clustering (Jaeger 2018, Retina U-Net, section 3): the best box left and all boxes of its class whose
    IoU with it is above `iou` are one cluster. With s_i the score, c_i the coordinates and w_i = f_i a_i p_i the weight
    of its member i (f the IoU with the best box, a the box's area, p how near the box lies to the middle of its patch):

        score       =  sum_i s_i w_i / (sum_i w_i + n_missing mean(w))
        coordinates =  sum_i c_i s_i w_i / sum_i s_i w_i

    n_missing is how many of the `expected` predictions (by default: all parts) have no member here, so that what one of
    twenty saw keeps a twentieth of its score. Our tiles are merged before, so that p is 1 and every part covers the
    whole field. Scores of all classes, and features, are averaged as the score is and as the coordinates are. Clusters
    whose score is below `least` are dropped. Raises ValueError without parts, or for parts of different classes.
    """
    if not parts:
        raise ValueError("there is nothing to combine: give at least one prediction")
    if len({(part.scores.shape[1:], part.features.shape[1:]) for part in parts}) != 1:
        raise ValueError("only predictions of the same classes and features can be combined")
    whole = Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.features for part in parts]),
    )
    source = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    rows = [row for row in _clusters(whole, source, iou, expected or len(parts)) if row[1].max(initial=0) >= least]
    if not rows:
        return nothing(whole.scores.shape[1], whole.features.shape[1])
    boxes, scores, features = (np.array(column, np.float32) for column in zip(*rows, strict=True))
    found = Detections(boxes, scores, features)
    return found[np.argsort(-found.top, kind="stable")]


Row = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _clusters(whole: Detections, source: NDArray[np.intp], iou: float, expected: int) -> list[Row]:
    """(coordinates, scores, features) of each cluster."""
    top, labels = whole.top, whole.labels
    boxes = whole.boxes.astype(np.float64)
    areas = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(1)
    left = np.argsort(-top, kind="stable")
    rows: list[Row] = []
    while len(left):
        overlap = iou_matrix(boxes[left[:1]], boxes[left])[0]
        joined = (overlap > iou) & (labels[left] == labels[left[0]])
        joined[0] = True  # a box without area overlaps nothing, not even itself
        members, left = left[joined], left[~joined]
        rows.append(_mean(whole, boxes, members, overlap[joined] * areas[members], source, expected))
    return rows


def _mean(
    whole: Detections,
    boxes: NDArray[np.float64],
    members: NDArray[np.intp],
    weights: NDArray[np.float64],
    source: NDArray[np.intp],
    expected: int,
) -> Row:
    if not weights.sum():
        weights = np.ones(len(members))
    missing = max(0, expected - len(np.unique(source[members])))
    scores = (whole.scores[members] * weights[:, None]).sum(0) / (weights.sum() + missing * weights.mean())
    shares = weights * whole.top[members]
    shares = shares / shares.sum() if shares.sum() else np.full(len(members), 1 / len(members))
    return shares @ boxes[members], scores, shares @ whole.features[members]
