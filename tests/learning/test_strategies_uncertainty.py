"""Uncertainty of detections and of fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from learning.strategies import strategy
from learning.strategies.uncertainty import doubt, per_field, per_unit_of_cost, read
from tests.learning.pools import SURE, UNSURE, MadeField, keys, make_pool, random_pool


def _doubt(top: float, second: float) -> float:
    return float(doubt(np.array([top], np.float32), np.array([second], np.float32))[0])


def test_doubt_of_single_detections_stands_in_the_order_a_person_would_give() -> None:
    assert _doubt(0.5, 0.5) == pytest.approx(1.0)
    assert _doubt(0.5, 0.0) == pytest.approx(0.5)
    assert _doubt(1.0, 0.0) == pytest.approx(0.0, abs=1e-4)
    assert _doubt(0.41, 0.38) > _doubt(0.6, 0.2) > _doubt(0.9, 0.02)
    # Two low scores close together are background, not a hard question of class.
    assert _doubt(0.06, 0.055) < _doubt(0.41, 0.38) / 3


def test_planted_uncertain_fields_come_first_with_a_plain_reason() -> None:
    made = [MadeField(f"sure{number:02d}", [SURE] * 30) for number in range(40)]
    made[7] = MadeField("planted-a", [SURE] * 27 + [UNSURE] * 3)
    made[23] = MadeField("planted-b", [SURE] * 29 + [UNSURE])
    answer = strategy("uncertainty")(make_pool(made, budget=3))
    assert keys(answer)[:2] == ["planted-a", "planted-b"]
    assert answer.choices[0].reason == "3 uncertain cells: blast or promyelocyte (0.41 / 0.38)"
    assert answer.choices[1].reason == "1 uncertain cell: blast or promyelocyte (0.41 / 0.38)"


def test_a_field_score_is_the_discounted_sum_of_its_eight_highest_values() -> None:
    pool = random_pool(np.random.default_rng(0), 50, 5)
    values = np.random.default_rng(1).random(len(pool.field)).astype(np.float32) * 3
    weights = 0.8 ** np.arange(8)
    for field, score in enumerate(per_field(pool, values)):
        best = np.sort(values[pool.field == field])[::-1][:8]
        assert score == pytest.approx((best * weights[: len(best)]).sum() / weights.sum(), abs=1e-6)


def test_specks_slivers_and_faint_detections_do_not_count() -> None:
    pool = make_pool([MadeField("one", [UNSURE, UNSURE, UNSURE, (0.04, 0.03, 0, 0)])], budget=1)
    boxes = np.array([[0, 0, 40, 40], [0, 0, 3, 3], [0, 0, 60, 10], [0, 0, 40, 40]], np.float32)
    assert read(replace(pool, boxes=boxes)).kept.tolist() == [True, False, False, False]


def test_a_dearer_field_needs_a_higher_score() -> None:
    pool = make_pool([MadeField(key, [UNSURE]) for key in "abc"], budget=1)
    priced = replace(pool, expected_cost=np.array([1, 1, 100], np.float32))
    assert per_unit_of_cost(priced, np.ones(3)).tolist() == [1.0, 1.0, 0.5]
    assert per_unit_of_cost(pool, np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def test_a_single_class_is_enough() -> None:
    pool = make_pool([MadeField("a", [SURE]), MadeField("b", [UNSURE])], budget=1)
    single = replace(
        pool,
        classes=("cell",),
        scores=pool.scores[:, :1],
        class_counts=pool.class_counts[:1],
        class_quality=pool.class_quality[:1],
    )
    assert keys(strategy("uncertainty")(single)) == ["b"]
    assert strategy("uncertainty")(single).choices[0].reason == "1 uncertain cell: cell or none at all (0.41)"
