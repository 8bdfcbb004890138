"""Figures by the size of the cell and by the kind of its truth: where a model is weak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_zoo.metrics.matching import Layout
from models_zoo.metrics.rule import Bools, Ints
from models_zoo.metrics.thresholds import rates

# Bounds in sizes of the median true cell: (width + height) / 2 of its box.
SIZES = {"small": (0.0, 0.75), "middle": (0.75, 1.25), "large": (1.25, np.inf)}


@dataclass(frozen=True, slots=True)
class Group:
    """One group of true cells at the threshold. `wrong` are detections that match nothing and have this group's size,
    as COCO counts by area; None for kinds of truth, which a detection does not have (and then neither precision nor
    F1). Detections that match a cell of another group are not judged here."""

    truths: int
    right: int
    wrong: int | None
    precision: float | None
    recall: float | None
    f1: float | None


def by_size(layout: Layout, matches: Ints, counted: Bools, threshold: float) -> dict[str, Group]:
    """Small below 0.75 of the median true side, large from 1.25 on; a group without a true cell is left out."""
    shown = counted & (layout.scores >= threshold)
    groups = {}
    for name, (low, high) in SIZES.items():
        true = (layout.true_sides >= low) & (layout.true_sides < high)
        wrong = shown & (matches < 0) & (layout.sides >= low) & (layout.sides < high)
        if true.any():
            groups[name] = _group(true, shown, matches, int(wrong.sum()))
    return groups


def by_kind(layout: Layout, matches: Ints, counted: Bools, threshold: float) -> dict[str, Group]:
    """Recall of true cells drawn as circles, boxes and contours; empty where the kinds are not known."""
    shown = counted & (layout.scores >= threshold)
    kinds = sorted({str(kind) for kind in layout.true_kinds} - {""})
    return {kind: _group(layout.true_kinds == kind, shown, matches, None) for kind in kinds}


def _group(true: Bools, shown: Bools, matches: Ints, wrong: int | None) -> Group:
    hit = np.zeros(len(true), np.bool_)
    hit[matches[shown & (matches >= 0)]] = True
    right, truths = int((hit & true).sum()), int(true.sum())
    precision, recall, f1 = rates(*(np.array([float(value)]) for value in (right, wrong or 0, truths)))
    known = [None if np.isnan(value[0]) else float(value[0]) for value in (precision, recall, f1)]
    if wrong is None:
        return Group(truths, right, None, None, known[1], None)
    return Group(truths, right, wrong, known[0], known[1], known[2])
