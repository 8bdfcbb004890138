"""What each true class was taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models_zoo.metrics.matching import Layout
from models_zoo.metrics.rule import Bools, Ints


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]`: cells of class `truth[i]` taken for `found[j]`.

    The last row are detections where no cell is (false alarm), the last column cells that were not found (missed);
    their crossing is 0.
    """

    truth: list[str]
    found: list[str]
    counts: list[list[int]]


def confusion(layout: Layout, matches: Ints, counted: Bools, threshold: float, classes: Sequence[str]) -> Confusion:
    """Confusion at `threshold`; `matches` are those of `Layout.matches(..., any_class=True)`."""
    number = len(classes)
    counts = np.zeros((number + 1, number + 1), np.int64)
    shown = counted & (layout.scores >= threshold)
    true_labels = np.append(layout.true_labels, number)  # the match -1 reads the last: false alarm
    np.add.at(counts, (true_labels[matches[shown]], layout.labels[shown]), 1)
    missed = np.ones(len(layout.true_labels), np.bool_)
    missed[matches[shown & (matches >= 0)]] = False
    np.add.at(counts[:, number], layout.true_labels[missed], 1)
    return Confusion([*classes, "false alarm"], [*classes, "missed"], counts.tolist())
