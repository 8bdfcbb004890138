"""The simulator of weak annotations: its circle against geometry, its draws against the study's distributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models_zoo.lengths import Length, median_side
from models_zoo.records import FieldRecord, Target
from models_zoo.weaken import enclosing_circle, weak_circle, weakened

SQUARE = np.array([(0.0, 0.0), (60.0, 0.0), (60.0, 80.0), (0.0, 80.0)])


def disc(x: float, y: float, radius: float) -> Target:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    points = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)
    return Target("contour", tuple(points.ravel().tolist()), 0)


def test_the_circle_round_a_rectangle_goes_through_its_corners() -> None:
    assert enclosing_circle(SQUARE) == pytest.approx((30, 40, 50))
    assert enclosing_circle(SQUARE[:2]) == pytest.approx((30, 0, 30))
    assert enclosing_circle(SQUARE[:1]) == pytest.approx((0, 0, 0))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_the_circle_holds_all_points_and_none_is_smaller(seed: int, count: int) -> None:
    points = np.random.default_rng(seed).normal(0, 20, (count, 2)).round(1)
    x, y, radius = enclosing_circle(points)
    assert np.hypot(*(points - (x, y)).T).max() <= radius + 1e-6
    # the smallest circle's centre lies in the hull of the points on its border: no step makes the farthest nearer
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        step = np.array([np.cos(angle), np.sin(angle)]) * 1e-3
        assert np.hypot(*(points - (x, y) - step).T).max() >= radius - 1e-9


def test_the_draws_have_the_statistics_that_the_study_states() -> None:
    chance = np.random.default_rng(0)
    circles: NDArray[np.float64] = np.array([weak_circle(SQUARE, chance, 3.0, 1.0) for _ in range(4000)])
    moved = circles[:, :2] - (30, 40)
    assert moved.mean(0) == pytest.approx([0, 0], abs=0.2)
    assert moved.std(0) == pytest.approx([3, 3], rel=0.05)
    assert abs(np.corrcoef(moved[:, 0], moved[:, 1]).min()) < 0.06
    rest = circles[:, 2] - 50 - np.hypot(*moved.T)  # what is left is N(0, 1)
    assert (rest.mean(), rest.std()) == pytest.approx((0, 1), abs=0.06)
    covering = (np.hypot(*(SQUARE[None] - circles[:, None, :2]).transpose(2, 0, 1)) <= circles[:, 2:]).all(1).mean()
    assert 0.6 < covering < 0.98  # usually the whole cell, not always


def test_lengths_scale_with_the_cells_and_not_with_the_pixels() -> None:
    spread = []
    for size in (1.0, 4.0):
        targets = tuple(disc(size * 100 * number, 50 * size, 20 * size) for number in range(300))
        record = FieldRecord("f", "f.png", 1, 1, 1.0, targets=targets)
        (weak,) = weakened([record], 1)
        assert {target.kind for target in weak.targets} == {"circle"}
        centres = np.array([target.points[0] for target in weak.targets]) - np.arange(300) * 100 * size
        spread.append(centres.std() / (40 * size))
    assert spread[0] == pytest.approx(spread[1], rel=1e-6)
    assert spread[0] == pytest.approx(0.02, rel=0.15)


def test_the_same_seed_draws_the_same_and_what_is_no_contour_stays() -> None:
    record = FieldRecord("f", "f.png", 99, 99, 1.0, targets=(disc(30, 30, 9), Target("circle", (5, 5, 2), -1)))
    assert weakened([record], 3) == weakened([record], 3)
    assert weakened([record], 3) != weakened([record], 4)
    assert weakened([record], 3)[0].targets[1] == record.targets[1]
    exact = weakened([record], 3, centre=Length(px=0), radius=Length(px=0))[0].targets[0]
    assert exact.points == pytest.approx((30, 30, 9), abs=0.05)


def test_a_length_says_what_it_is_measured_in() -> None:
    assert Length(um=3, cells=0.3).in_px(0.1, 50) == pytest.approx(30)
    assert Length(um=3, cells=0.3).in_px(None, 50) == pytest.approx(15)
    assert Length(px=55).in_px(0.1, 50) == 55
    assert median_side([disc(0, 0, 10), disc(0, 0, 20), disc(0, 0, 30)]) == pytest.approx(40, rel=0.01)
    for wrong in ({}, {"px": 1.0, "um": 1.0}, {"um": -1.0}):
        with pytest.raises(ValueError, match="length"):
            Length(**wrong)
    with pytest.raises(ValueError, match="scale is unknown"):
        Length(um=3).in_px(None, 50)
