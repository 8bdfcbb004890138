"""Circle IoU against shapely, and one circle a cell."""

import numpy as np
import pytest
import torch
from shapely.geometry import Point

from models_zoo.circles import box_circle_iou, circle_iou, circle_nms, circles_of, squares_of


def by_shapely(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    shapes = [[Point(x, y).buffer(r, quad_segs=512) for x, y, r in some] for some in (a, b)]
    return np.array([[p.intersection(q).area / p.union(q).area for q in shapes[1]] for p in shapes[0]])


def test_the_overlap_of_circles_is_that_of_their_areas() -> None:
    chance = np.random.default_rng(3)
    a, b = (np.column_stack([chance.uniform(0, 60, (25, 2)), chance.uniform(2, 30, 25)]) for _ in range(2))
    np.testing.assert_allclose(circle_iou(a, b), by_shapely(a, b), atol=1e-4)


def test_circles_that_touch_lie_within_each_other_or_have_no_area() -> None:
    one = np.array([[10.0, 10.0, 5.0]])
    others = np.array([[10, 10, 5], [20, 10, 5], [40, 10, 5], [11, 10, 2], [10, 10, 10], [10, 10, 0]], float)
    np.testing.assert_allclose(circle_iou(one, others)[0], [1, 0, 0, 4 / 25, 25 / 100, 0], atol=1e-12)
    assert circle_iou(one * [1, 1, 0], one * [1, 1, 0])[0, 0] == 0


def test_torch_and_numpy_agree_and_squares_are_circles() -> None:
    chance = np.random.default_rng(5)
    circles = np.column_stack([chance.uniform(0, 40, (20, 2)), chance.uniform(3, 20, 20)]).astype(np.float32)
    boxes = squares_of(circles)
    np.testing.assert_allclose(circles_of(boxes), circles, atol=1e-5)
    by_torch = box_circle_iou(torch.from_numpy(boxes), torch.from_numpy(boxes), torch)
    np.testing.assert_allclose(by_torch.numpy(), circle_iou(circles, circles), atol=1e-3)


def test_of_circles_on_one_cell_the_best_stays() -> None:
    circles = np.array([[10, 10, 5], [11, 10, 5], [10, 10, 5], [40, 40, 5]], float)
    scores, labels = np.array([0.8, 0.9, 0.7, 0.1]), np.array([0, 0, 1, 0])
    assert circle_nms(circles, scores, labels, 0.5, 10).tolist() == [1, 2, 3]
    assert circle_nms(circles, scores, None, 0.5, 10).tolist() == [1, 3]
    assert circle_nms(circles, scores, None, 0.9, 2).tolist() == [1, 0]
    # Two corners that overlap as boxes and not as circles are two cells.
    diagonal = np.array([[10, 10, 10], [25, 25, 10]], float)
    assert circle_iou(diagonal[:1], diagonal[1:])[0, 0] == 0
    assert circle_nms(diagonal, np.array([0.9, 0.8]), None, 0.05, 10).tolist() == [0, 1]


@pytest.mark.parametrize("count", [0, 1, 700])
def test_suppression_leaves_no_rivals(count: int) -> None:
    chance = np.random.default_rng(count)
    circles = np.column_stack([chance.uniform(0, 200, (count, 2)), chance.uniform(5, 20, count)])
    scores = chance.random(count)
    kept = circle_nms(circles, scores, None, 0.3, 10_000)
    assert (np.diff(scores[kept]) <= 0).all()
    overlap = circle_iou(circles[kept], circles[kept])
    assert (overlap[~np.eye(len(kept), dtype=bool)] <= 0.3).all()
    rest = np.setdiff1d(np.arange(count), kept)
    if len(rest):
        assert (circle_iou(circles[rest], circles[kept]).max(1) > 0.3).all()
