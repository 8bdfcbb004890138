"""Counts at one confidence threshold, and the choice of that threshold (METHODS section 3: never on the test split)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models_zoo.detections import Detections
from models_zoo.lengths import Length
from models_zoo.metrics.matching import Layout, lay_out
from models_zoo.metrics.rule import Bools, Floats, Ints, MatchKind, Rule, Truth

FALLBACK = 0.25


@dataclass(frozen=True, slots=True)
class Counts:
    """(cases, classes) right detections, wrong detections, and true cells, at one threshold."""

    right: Floats
    wrong: Floats
    truths: Floats


def counts_at(layout: Layout, matches: Ints, counted: Bools, threshold: float) -> Counts:
    """Count detections of at least `threshold`."""
    shown = counted & (layout.scores >= threshold)
    right, wrong = np.zeros((2, layout.case_count, layout.class_count))
    for counts, chosen in ((right, shown & (matches >= 0)), (wrong, shown & (matches < 0))):
        np.add.at(counts, (layout.cases[chosen], layout.labels[chosen]), 1)
    return Counts(right, wrong, layout.true_counts())


def rates(right: Floats, wrong: Floats, truths: Floats) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 = 2 TP / (2 TP + FP + FN), elementwise; NaN where a denominator is 0."""
    return _share(right, right + wrong), _share(right, truths), _share(2 * right, right + wrong + truths)


def _share(part: Floats, whole: Floats) -> Floats:
    result: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return result


def best_threshold(
    truths: Mapping[str, Truth],
    found: Mapping[str, Detections],
    match: MatchKind = "iou",
    *,
    iou: float = 0.5,
    distance_px: float | None = None,
    distance: Length | None = None,
) -> float:
    """The one score threshold that makes F1 over all classes pooled the highest; of equal ones the highest threshold.

    Choose it on the tuning split. A detection is shown when its score is at least the threshold. Where nothing can be
    chosen (no true cell, no detection, or no detection that is right) the answer is 0.25.
    """
    rule = Rule(match, iou, distance_px, distance)
    class_count = max((item.scores.shape[1] for item in found.values()), default=0)
    labels = [int(np.max(truth.labels, initial=-1)) + 1 for truth in truths.values()]
    layout = lay_out(truths, found, rule, max([class_count, *labels]))
    matches = layout.matches(rule.least)
    return threshold_of(layout, matches, layout.counted(matches, rule.least))


def threshold_of(layout: Layout, matches: Ints, counted: Bools) -> float:
    """`best_threshold` where the matching is done already."""
    order = np.argsort(-layout.scores[counted], kind="stable")
    scores, right = layout.scores[counted][order], (matches[counted] >= 0)[order].cumsum()
    if not len(right) or not right[-1]:
        return FALLBACK
    # only the last of several equal scores is a place where the list can be cut
    cut = np.append(scores[1:] < scores[:-1], True)
    f1 = 2 * right / (np.arange(1, len(right) + 1) + len(layout.true_labels))
    return float(scores[cut][np.argmax(f1[cut])])
