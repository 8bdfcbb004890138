"""Distances in µm and in sizes of a cell, the sweep of IoU, figures by size and by kind of truth."""

from __future__ import annotations

import numpy as np
import pytest

from models_zoo.detections import Detections
from models_zoo.lengths import Length
from models_zoo.metrics import Truth, best_threshold, evaluate


def found(boxes: list[tuple[float, ...]], scores: list[float]) -> Detections:
    table = np.array(scores, np.float32)[:, None]
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), table, np.zeros((len(boxes), 0), np.float32))


def square(x: float, side: float, shift: float = 0.0) -> tuple[float, ...]:
    return x + shift, shift, x + shift + side, shift + side


TRUTHS = {"f": Truth(np.array([square(0, 20), square(100, 40), square(200, 40), square(300, 80)]), np.zeros(4, int))}


def test_a_distance_in_um_means_other_pixels_on_each_field() -> None:
    near, far = Truth(np.array([square(0, 40)]), np.zeros(1, int), um_per_px=0.1), None
    far = Truth(near.boxes, near.labels, um_per_px=0.5)
    seen = {key: found([square(10, 40)], [0.9]) for key in ("near", "far")}

    def recall(distance: Length) -> float | None:
        truths = {"near": near, "far": far}
        return evaluate(truths, seen, ["cell"], match="centre", distance=distance, threshold=0.5).recall

    assert recall(Length(um=2)) == 0.5  # 20 px of the one field, 4 px of the other
    assert recall(Length(um=6)) == 1.0
    assert recall(Length(cells=0.24)) == 0.0  # the median side is 40 px: 9.6 px
    assert recall(Length(cells=0.26)) == 1.0
    with pytest.raises(ValueError, match="either in pixels or as a length"):
        evaluate({"near": near}, seen, ["cell"], match="centre", distance=Length(px=3), distance_px=3)


def test_a_threshold_can_be_chosen_by_the_same_distance() -> None:
    truths = {"f": Truth(np.array([square(0, 40)]), np.zeros(1, int))}
    seen = {"f": found([square(30, 40), square(5, 40)], [0.9, 0.6])}
    assert best_threshold(truths, seen, "centre", distance=Length(cells=0.2)) == pytest.approx(0.6)
    assert best_threshold(truths, seen, "centre", distance=Length(cells=0.9)) == pytest.approx(0.9)


def test_f1_falls_along_the_sweep_as_boxes_fit_worse() -> None:
    """IoUs of 1 and of 4/7 (a square of 40 shifted by 6 along both axes has 1156 / 2044)."""
    seen = {"f": found([square(0, 20), square(100, 40, 6)], [0.9, 0.9])}
    report = evaluate(TRUTHS, seen, ["cell"], threshold=0.5)
    assert report.f1_by_iou["0.55"] == pytest.approx(2 * 2 / 6)
    assert report.f1_by_iou["0.60"] == pytest.approx(2 * 1 / 6)
    assert list(report.f1_by_iou) == list(report.ap_by_iou)
    assert report.f1_by_iou["0.50"] == report.f1
    assert evaluate(TRUTHS, seen, ["cell"], match="centre", threshold=0.5).f1_by_iou == {}


def test_figures_by_size_of_the_cell() -> None:
    wrong = [square(400, 10), square(450, 90)]
    seen = {"f": found([square(0, 20), square(100, 40), *wrong], [0.9, 0.9, 0.8, 0.8])}
    groups = evaluate(TRUTHS, seen, ["cell"], threshold=0.5).by_size
    assert {name: (g.truths, g.right, g.wrong) for name, g in groups.items()} == {
        "small": (1, 1, 1),
        "middle": (2, 1, 0),
        "large": (1, 0, 1),
    }
    assert groups["small"].f1 == pytest.approx(2 / 3)
    assert groups["middle"].precision == 1.0
    assert groups["large"].recall == 0.0


def test_figures_by_kind_of_truth() -> None:
    truth = TRUTHS["f"]
    kinds = {"f": Truth(truth.boxes, truth.labels, kinds=("circle", "circle", "contour", "contour"))}
    seen = {"f": found([square(0, 20), square(100, 40), square(200, 40)], [0.9, 0.9, 0.2])}
    groups = evaluate(kinds, seen, ["cell"], threshold=0.5).by_kind
    assert {name: g.recall for name, g in groups.items()} == {"circle": 1.0, "contour": 0.0}
    assert groups["circle"].f1 is None
    assert evaluate(TRUTHS, seen, ["cell"], threshold=0.5).by_kind == {}
    with pytest.raises(ValueError, match="4 true boxes and 1 kinds"):
        evaluate({"f": Truth(truth.boxes, truth.labels, kinds=("box",))}, seen, ["cell"])
