"""How much a label is to be suspected, from what a model says of it. Pure: numbers in, numbers of 0 to 1 out.

Scores of what is found are calibrated first, so that 0.9 means right in nine of ten. Three kinds of disagreement are
told apart:

- class: the model is sure of a cell where one is labelled, and of another class, though it knows the labelled one;
- unlabelled: the model is sure of a cell where nothing is labelled, in a field that claims to be complete;
- unfound: a plain, whole cell is labelled where the model, which hardly ever misses its class, sees nothing.

A suspicion is a reason to look, never a reason to change a label unseen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Box = tuple[float, float, float, float]

# Below this a disagreement is as likely the model's mistake.
WORTH_A_LOOK = 0.5

# A cell cut by the border shows a part of itself only.
CUT = 0.5


def size_of(box: Box) -> float:
    """The radius that a box stands for: a quarter of width + height."""
    x0, y0, x1, y1 = box
    return ((x1 - x0) + (y1 - y0)) / 4


def clearness(box: Box, width: int, height: int, usual: float) -> float:
    """1 for a whole cell of its class's usual size, less for one that the border cuts or that is unusually sized."""
    x0, y0, x1, y1 = box
    size = size_of(box)
    if size <= 0 or usual <= 0:
        return 0.0
    whole = 1.0 if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height else CUT
    return whole * min(size / usual, usual / size)


def wrong_class(chance: Floats, chance_of_label: Floats) -> Floats:
    """By how much the model believes its own class more than the labelled one."""
    return np.clip(chance - chance_of_label, 0, 1)


def unlabelled(chance: Floats) -> Floats:
    """A cell found where no label is."""
    return np.clip(chance, 0, 1)


def unfound(best: Floats, threshold: float, clear: Floats, recall: Floats) -> Floats:
    """A label that the model does not find; `recall`: how often it finds the cells of that class.

    `best` is the highest score there: near the threshold it tells that the model does see something.
    """
    unseen = 1 - np.minimum(best / max(threshold, 1e-6), 1)
    result: Floats = np.clip(recall * unseen * clear, 0, 1)
    return result
