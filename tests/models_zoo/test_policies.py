"""What becomes of artefacts, and how their errors are counted."""

from __future__ import annotations

import numpy as np
import pytest

from models_zoo.detections import Detections
from models_zoo.metrics import Rule, Truth
from models_zoo.policies import POLICIES, applied, classes_of, errors
from models_zoo.records import FieldRecord, Target

CELLS = [(0, 0, 10, 10), (100, 0, 110, 10), (200, 0, 210, 10)]
DIRT = [(0, 100, 10, 110), (100, 100, 110, 110)]
TRUTH = {"f": Truth(np.array(CELLS + DIRT, float), np.array([0, 0, 0, 1, 1]))}


def seen(*rows: tuple[tuple[int, ...], float, int], classes: int = 1) -> dict[str, Detections]:
    scores = np.full((len(rows), classes), 0.01, np.float32)
    for number, (_, score, label) in enumerate(rows):
        scores[number, label] = score
    boxes = np.array([box for box, _, _ in rows], np.float32)
    return {"f": Detections(boxes, scores, np.zeros((len(rows), 0), np.float32))}


def test_each_policy_says_what_a_detector_learns() -> None:
    targets = tuple(Target("box", (0, 0, 1, 1), label) for label in (0, 1, 2, -1))
    record = FieldRecord("f", "f.png", 9, 9, 1.0, targets=targets)
    learned = {policy: [t.label for t in applied([record], {2}, policy)[0].targets] for policy in POLICIES}
    assert learned == {"background": [0, 0, -1], "cell": [0, 0, 0, -1], "own": [0, 0, 1, -1]}
    assert classes_of("own") == ("cell", "artefact")
    with pytest.raises(ValueError, match="background, cell, own"):
        applied([record], {2}, "ignore")  # type: ignore[arg-type]


def test_errors_of_cells_and_of_artefacts_are_counted_apart() -> None:
    """Two cells are found, one artefact is taken for a cell, one detection is nothing; a faint one is not shown."""
    found = seen(
        (CELLS[0], 0.9, 0), (CELLS[1], 0.8, 0), (DIRT[0], 0.7, 0), ((300, 0, 310, 10), 0.6, 0), (CELLS[2], 0.2, 0)
    )
    counted = errors(TRUTH, found, "background", 0.5, Rule())
    assert counted.as_dict() == {
        "cells": 3,
        "artefacts": 2,
        "cell_fn": 1,
        "cell_fp": 1,
        "artefact_fp": 1,
        "artefact_fn": 1,
    }
    assert errors(TRUTH, found, "background", 0.1, Rule()).cell_fn == 0


def test_an_artefact_that_is_called_so_is_no_error() -> None:
    found = seen((CELLS[0], 0.9, 0), (CELLS[1], 0.8, 1), (DIRT[0], 0.7, 1), (DIRT[1], 0.7, 0), classes=2)
    counted = errors(TRUTH, found, "own", 0.5, Rule())
    assert (counted.cell_fn, counted.cell_fp) == (2, 0)
    assert (counted.artefact_fp, counted.artefact_fn) == (1, 0)
