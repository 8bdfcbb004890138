"""Which detection stands for which true cell.

A detection carries one class, its highest. Detections of a field are taken by falling score, each takes the closest
true cell that is still free and close enough (greedy, one to one: the way of COCO's `pycocotools.cocoeval`, METHODS
section 3). Because a later detection never takes a cell from an earlier one, the matches at any confidence threshold
are those of all detections, cut at the threshold: matching is done once.

Ties are broken as pycocotools breaks them: equal scores keep their order (fields in the order of `truths`, detections
in the order given); among equally close true cells the later one is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models_zoo.detections import Detections
from models_zoo.lengths import median_of
from models_zoo.metrics.rule import Bools, Floats, Ints, Rule, Truth

LOWEST_SCORE = 0.001
MOST_DETECTIONS = 1000
LOWEST_SWEPT_IOU = 0.3


@dataclass(frozen=True, slots=True)
class Layout:
    """All fields laid end to end: n detections (by field, then falling score), m true cells, p close pairs.

    `scores`, `labels`, `cases` (n,): score, class and case number of each detection. `unsure` (n,): its closeness to
    the nearest place without a claim. `sides` (n,): (width + height) / 2 of each box in sizes of the median true one.
    `true_labels`, `true_cases`, `true_sides` (m,), and `true_kinds` (m,): the shape each was drawn as, or "". `pairs`
    (2, p): detection and true cell of one field, whatever their classes, sorted by detection, the closest first;
    `closeness` (p,).
    """

    scores: Floats
    labels: Ints
    cases: Ints
    unsure: Floats
    sides: Floats
    true_labels: Ints
    true_cases: Ints
    true_sides: Floats
    true_kinds: NDArray[np.str_]
    pairs: Ints
    closeness: Floats
    fields: int
    case_count: int
    class_count: int

    def matches(self, least: float, *, any_class: bool = False) -> Ints:
        """(n,) number of the true cell that each detection stands for, -1 for none."""
        usable = self.closeness >= least
        if not any_class:
            usable &= self.labels[self.pairs[0]] == self.true_labels[self.pairs[1]]
        taken, result = [False] * len(self.true_labels), [-1] * len(self.scores)
        for detection, cell in zip(*self.pairs[:, usable].tolist(), strict=True):
            if result[detection] < 0 and not taken[cell]:
                result[detection], taken[cell] = cell, True
        return np.array(result, np.intp)

    def counted(self, matches: Ints, least: float) -> Bools:
        """(n,) whether a detection is judged: all but those that match nothing and lie where no claim is made."""
        return (matches >= 0) | (self.unsure < least)

    def true_counts(self) -> Floats:
        """(cases, classes) number of true cells."""
        counts = np.zeros((self.case_count, self.class_count))
        np.add.at(counts, (self.true_cases, self.true_labels), 1)
        return counts


def lay_out(truths: Mapping[str, Truth], found: Mapping[str, Detections], rule: Rule, class_count: int) -> Layout:
    """Lay the fields of `truths` end to end, with all pairs that are close enough for `rule` (or for an IoU sweep).

    Detections below 0.001 are left out, and in each field all but the 1,000 highest of each class (COCO's `maxDets`).
    Detections on fields that `truths` does not hold are not judged. Raises ValueError where a field of `truths` was
    not searched or an array does not fit the others.
    """
    absent = [key for key in truths if key not in found]
    if absent:
        raise ValueError(
            f"nothing is known of what was found on {len(absent)} field(s), the first is {absent[0]!r}: detect on them"
            " first (a field on which nothing was found has an entry of length 0)"
        )
    # numbered by name, so that a seed draws the same cases whatever the order of the fields
    cases = {name: number for number, name in enumerate(sorted({_case(key, truth) for key, truth in truths.items()}))}
    parts = [_NOTHING]
    offset = true_offset = 0
    side = median_true_side(truths)
    for key, truth in truths.items():
        here = rule.for_field(truth.um_per_px, side)
        part = _one_field(key, truth, found[key], here, class_count, cases[_case(key, truth)])
        parts.append(part._replace(pairs=part.pairs + np.array([[offset], [true_offset]])))
        offset, true_offset = offset + len(part.scores), true_offset + len(part.true_labels)
    whole = _Part(*(np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)))
    # the last key sorts first: by detection, then the closest, then the later true cell
    order = np.lexsort((-whole.pairs[1], -whole.closeness, whole.pairs[0]))
    whole = whole._replace(
        pairs=whole.pairs[:, order],
        closeness=whole.closeness[order],
        sides=whole.sides / (side or 1.0),
        true_sides=whole.true_sides / (side or 1.0),
    )
    return Layout(*whole, fields=len(truths), case_count=len(cases), class_count=class_count)


def median_true_side(truths: Mapping[str, Truth]) -> float | None:
    """The median over all true cells of (width + height) / 2 in field pixels; None without any."""
    boxes = []
    for key, truth in truths.items():
        given, labels = _checked_truth(key, truth)
        boxes.append(given[labels >= 0])
    return median_of(np.concatenate(boxes)) if boxes else None


class _Part(NamedTuple):
    """The arrays of `Layout` for one field."""

    scores: Floats
    labels: Ints
    cases: Ints
    unsure: Floats
    sides: Floats
    true_labels: Ints
    true_cases: Ints
    true_sides: Floats
    true_kinds: NDArray[np.str_]
    pairs: Ints
    closeness: Floats


_NO_FLOATS, _NO_INTS = np.zeros(0), np.zeros(0, np.intp)
_NO_PAIRS = np.zeros((2, 0), np.intp)
_NO_WORDS = np.zeros(0, np.str_)
_NOTHING = _Part(
    scores=_NO_FLOATS,
    labels=_NO_INTS,
    cases=_NO_INTS,
    unsure=_NO_FLOATS,
    sides=_NO_FLOATS,
    true_labels=_NO_INTS,
    true_cases=_NO_INTS,
    true_sides=_NO_FLOATS,
    true_kinds=_NO_WORDS,
    pairs=_NO_PAIRS,
    closeness=_NO_FLOATS,
)


def _one_field(key: str, truth: Truth, found: Detections, rule: Rule, class_count: int, case: int) -> _Part:
    boxes, labels = _checked_truth(key, truth, class_count)
    if len(found) and found.scores.shape != (len(found), class_count):
        raise ValueError(f"field {key!r}: scores of shape {found.scores.shape} do not fit {class_count} class(es)")
    keep = _kept(found)
    found_boxes = found.boxes[keep].astype(np.float64).reshape(-1, 4)
    claimed = labels >= 0
    closeness = rule.closeness(found_boxes, boxes[claimed])
    near = np.nonzero(closeness >= (min(rule.least, LOWEST_SWEPT_IOU) if rule.kind == "iou" else rule.least))
    return _Part(
        scores=found.top[keep].astype(np.float64),
        labels=found.labels[keep],
        cases=np.full(len(keep), case, np.intp),
        unsure=rule.closeness(found_boxes, boxes[~claimed]).max(1, initial=-np.inf),
        sides=(found_boxes[:, 2:] - found_boxes[:, :2]).mean(1),
        true_labels=labels[claimed],
        true_cases=np.full(claimed.sum(), case, np.intp),
        true_sides=(boxes[claimed, 2:] - boxes[claimed, :2]).mean(1),
        true_kinds=np.array(truth.kinds or [""] * len(labels), np.str_)[claimed],
        pairs=np.array(near, np.intp),
        closeness=closeness[near],
    )


def _case(key: str, truth: Truth) -> str:
    """The patient's name; a field without one stands alone, and must not meet a case that is called like its key."""
    return f"case {truth.case}" if truth.case else f"field {key}"


def _checked_truth(key: str, truth: Truth, class_count: int | None = None) -> tuple[Floats, Ints]:
    boxes, labels = np.asarray(truth.boxes, np.float64).reshape(-1, 4), np.asarray(truth.labels, np.intp)
    if labels.shape != (len(boxes),):
        raise ValueError(f"field {key!r}: {len(boxes)} true boxes and labels of shape {labels.shape}: give one a box")
    if truth.kinds and len(truth.kinds) != len(boxes):
        raise ValueError(f"field {key!r}: {len(boxes)} true boxes and {len(truth.kinds)} kinds: give one a box")
    if class_count is not None and len(labels) and not (labels.min() >= -1 and labels.max() < class_count):
        raise ValueError(
            f"field {key!r}: true labels {labels.min()} to {labels.max()} do not fit {class_count} classes"
        )
    return boxes, labels


def _kept(found: Detections) -> Ints:
    """Numbers of the detections that are judged, by falling score."""
    top, labels = found.top.astype(np.float64), found.labels
    order = np.argsort(-top, kind="stable")
    order = order[top[order] >= LOWEST_SCORE]
    if len(order) <= MOST_DETECTIONS:
        return order
    by_class = (order[labels[order] == label][:MOST_DETECTIONS] for label in np.unique(labels))
    kept = np.zeros(len(top), np.bool_)
    kept[np.concatenate(list(by_class))] = True
    return order[kept[order]]
