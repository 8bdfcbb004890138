"""Splits keep groups whole, come close to the fractions, and do not depend on the order of the input."""

import random
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.splits import FRACTIONS, SPLITS, Groups, draw, take_share, twins


def fields_of(count: int, seed: int = 0) -> dict[str, Counter[str]]:
    chance = random.Random(seed)
    return {
        f"field {n}": Counter(
            {"common": chance.randint(5, 25), "middling": chance.randint(0, 2), "rare": int(chance.random() < 0.05)}
        )
        for n in range(count)
    }


def test_single_fields_reach_the_fractions_exactly_and_each_class_closely() -> None:
    groups = fields_of(400)
    drawn = draw(groups, dict.fromkeys(groups, 1), seed=1)
    assert Counter(drawn.values()) == {"training": 224, "validation": 44, "tuning": 44, "test": 88}
    totals = sum(groups.values(), Counter[str]())
    for split, share in FRACTIONS.items():
        held = sum((groups[name] for name, where in drawn.items() if where == split), Counter[str]())
        assert held["common"] / totals["common"] == pytest.approx(share, abs=0.03)
        assert held["middling"] / totals["middling"] == pytest.approx(share, abs=0.03)
        assert abs(held["rare"] - totals["rare"] * share) <= 1.5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=60))
def test_groups_are_whole_splits_are_filled_and_order_does_not_matter(shapes: list[tuple[int, int, int]]) -> None:
    groups = {f"case {n}": Counter({"a": a, "b": b}) for n, (_, a, b) in enumerate(shapes)}
    sizes = {f"case {n}": size for n, (size, _, _) in enumerate(shapes)}
    drawn = draw(groups, sizes, seed=7)
    assert set(drawn) == set(groups)
    assert set(drawn.values()) <= set(SPLITS)
    if len(groups) >= 4:
        assert set(drawn.values()) == set(SPLITS)
    backwards = draw(dict(reversed(groups.items())), dict(reversed(sizes.items())), seed=7)
    assert backwards == drawn
    fields = Counter[str]()
    for name, split in drawn.items():
        fields[split] += sizes[name]
    if len(groups) >= 12:
        for split, share in FRACTIONS.items():
            # A split can miss by a case at most, and by one field of rounding.
            assert abs(fields[split] - share * sum(sizes.values())) <= max(sizes.values()) + 1


def test_a_group_with_a_split_keeps_it_and_uses_up_its_share() -> None:
    groups = fields_of(100)
    fixed = {f"field {n}": "test" for n in range(22)}
    drawn = draw(groups, dict.fromkeys(groups, 1), seed=3, fixed=fixed)
    assert {name for name, split in drawn.items() if split == "test"} == set(fixed)


def test_another_seed_draws_other_fields() -> None:
    groups = fields_of(60)
    sizes = dict.fromkeys(groups, 1)
    assert draw(groups, sizes, seed=1) != draw(groups, sizes, seed=2)


def test_ten_thousand_fields_are_drawn_quickly() -> None:
    groups = fields_of(10_000)
    start = time.perf_counter()
    draw(groups, dict.fromkeys(groups, 1), seed=1)
    assert time.perf_counter() - start < 5


def test_share_takes_whole_groups_near_the_share() -> None:
    sizes = {f"case {n}": 3 for n in range(20)}
    taken = take_share(sizes, 0.5, seed=1)
    assert abs(3 * len(taken) - 30) <= 3
    assert take_share(sizes, 0.0, seed=1) == set()
    assert take_share(sizes, 1.0, seed=1) == set(sizes)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.lists(st.integers(0, 63), min_size=2, max_size=2))
def test_twins_are_exactly_the_pairs_within_two_bits(hashes: list[int], flips: list[int]) -> None:
    hashes = hashes + [value ^ (1 << flips[0]) ^ (1 << flips[1]) for value in hashes[:5]]
    distinct = sorted(set(hashes))
    slow = {(a, b) for i, a in enumerate(distinct) for b in distinct[i + 1 :] if (a ^ b).bit_count() <= 2}
    assert set(twins(hashes)) == slow


def test_joined_names_share_a_root() -> None:
    groups = Groups()
    groups.join("a", "b")
    groups.join("b", "c")
    assert groups.root("a") == groups.root("c") != groups.root("d")
