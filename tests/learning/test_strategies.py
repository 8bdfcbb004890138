"""What holds for every strategy."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from learning.strategies import DEFAULT, STRATEGIES, strategy
from learning.strategies.batch import slide_cap
from tests.learning.pools import SURE, UNSURE, MadeField, keys, make_pool, permuted, random_pool

every_strategy = pytest.mark.parametrize("name", STRATEGIES)


@every_strategy
@pytest.mark.parametrize("budget", [0, 1, 7, 500])
def test_a_batch_holds_the_budget_or_every_usable_field(name: str, budget: int) -> None:
    pool = random_pool(np.random.default_rng(1), 60, budget)
    answer = strategy(name)(pool)
    aside = {item.key for item in answer.set_aside}
    usable = {key for key in pool.keys if key not in aside}
    assert len(answer.choices) == min(budget, len(usable))
    assert len(set(keys(answer))) == len(answer.choices)
    assert set(keys(answer)) <= usable
    assert all(np.isfinite(choice.score) and choice.reason for choice in answer.choices)


@every_strategy
def test_a_flagged_field_is_set_aside_with_its_reason(name: str) -> None:
    made = [MadeField("bad", [UNSURE] * 8, quality="blur"), MadeField("good", [SURE]), MadeField("fine", [SURE])]
    answer = strategy(name)(make_pool(made, budget=3))
    assert set(keys(answer)) == {"good", "fine"}
    assert [(item.key, item.reason) for item in answer.set_aside] == [("bad", "blur")]


@every_strategy
def test_the_same_seed_gives_the_same_batch_whatever_the_order_of_the_pool(name: str) -> None:
    pool = random_pool(np.random.default_rng(2), 80, 15)
    first = strategy(name)(pool)
    assert strategy(name)(pool) == first
    order = np.random.default_rng(3).permutation(80)
    assert keys(strategy(name)(permuted(pool, order))) == keys(first)


@every_strategy
def test_an_empty_pool_gives_an_empty_batch(name: str) -> None:
    assert strategy(name)(make_pool([], budget=4)).choices == ()


@every_strategy
def test_fields_without_detections_features_or_embeddings_are_still_ranked(name: str) -> None:
    made = [MadeField(f"f{number}", slide=number % 3) for number in range(9)]
    assert len(strategy(name)(make_pool(made, budget=6)).choices) == 6


@every_strategy
def test_scores_that_are_not_numbers_do_no_harm(name: str) -> None:
    pool = random_pool(np.random.default_rng(4), 30, 8)
    broken = pool.scores.copy()
    broken[::5] = np.nan
    answer = strategy(name)(replace(pool, scores=broken, class_quality=np.full(4, np.nan, np.float32)))
    assert len(answer.choices) == 8
    assert all(np.isfinite(choice.score) for choice in answer.choices)


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "random"])
def test_no_slide_fills_a_batch_while_others_are_at_hand(name: str) -> None:
    made = [MadeField(f"hard{n}", [UNSURE] * 8, [[1, 0]] * 8, slide=0, embedding=(1, 0)) for n in range(30)]
    made += [MadeField(f"easy{n}", [SURE], [[0, 1]], slide=1 + n % 5, embedding=(0, 1)) for n in range(30)]
    answer = strategy(name)(make_pool(made, budget=12))
    drawn = sum(key.startswith("hard") for key in keys(answer))
    by_chance = sum(c.reason == "random slice" and c.key.startswith("hard") for c in answer.choices)
    assert drawn <= max(slide_cap(12), by_chance)


def test_another_seed_draws_other_fields() -> None:
    pool = random_pool(np.random.default_rng(5), 80, 15)
    assert keys(strategy("random")(pool)) != keys(strategy("random")(replace(pool, seed=8)))


def test_an_unknown_strategy_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"'entropy'.*random, .*hybrid"):
        strategy("entropy")


def test_the_default_strategy_exists() -> None:
    assert DEFAULT in STRATEGIES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slide": np.zeros(2, np.int64)}, "slide"),
        ({"budget": -1}, "budget"),
        ({"seed": -1}, "seed"),
        ({"keys": ("a", "a", "b")}, "same key"),
        ({"field": np.array([2, 0, 0], np.int64)}, "sorted by field"),
        ({"field": np.array([0, 1, 3], np.int64)}, "sorted by field"),
    ],
)
def test_a_pool_that_does_not_fit_together_is_refused(change: dict[str, object], message: str) -> None:
    pool = make_pool([MadeField(key, [SURE]) for key in "abc"], budget=1)
    with pytest.raises(ValueError, match=message):
        replace(pool, **change)  # type: ignore[arg-type]  # wrong on purpose


def test_strategies_load_neither_django_nor_torch_nor_other_rooms() -> None:
    names = ("django", "torch", "ultralytics", "onnxruntime", "annotation", "models_zoo")
    code = f"import sys, learning.strategies; print([n for n in {names!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
