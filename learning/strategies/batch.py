"""Turning scores into a batch: one order that everything shares, the cap per slide, the random slice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from learning.strategies.pool import NO_SLIDE, Choice, Ints, Pool, Ranking

Reason = Callable[[int], str]


def size(pool: Pool) -> int:
    """How many fields a batch holds: the budget, or every usable field where there are fewer."""
    return min(pool.budget, len(pool.usable))


def shuffled(pool: Pool, purpose: int = 0) -> Ints:
    """The usable fields in an order drawn from the seed; it does not depend on the order of the pool.

    `purpose` keeps two draws of one ranking apart.
    """
    return np.random.default_rng((pool.seed, purpose)).permutation(pool.usable)


def by_score(pool: Pool, scores: NDArray[np.floating]) -> Ints:
    """The usable fields, highest of `scores` (N,) first; equal ones in an order drawn from the seed."""
    order = shuffled(pool)
    # Rounding makes ties of what differs only by the order in which numbers were added up.
    return order[np.argsort(-np.round(scores[order].astype(np.float64), 6), kind="stable")]


def slide_cap(budget: int) -> int:
    """The most fields of one slide in a batch: a third of it, at least two."""
    return max(2, math.ceil(budget / 3))


def take(pool: Pool, order: Iterable[int], count: int, cap: int, taken: Iterable[int] = ()) -> list[int]:
    """The first `count` fields of `order` that are not `taken`, at most `cap` of one slide (`taken` counted in).

    The cap is a wish: where it would leave the batch short, the best of those it held back fill it up.
    """
    chosen: list[int] = []
    held_back: list[int] = []
    gone = set(taken)
    used = Counter(int(pool.slide[index]) for index in gone)
    for index in order:
        if len(chosen) == count:
            break
        slide = int(pool.slide[index])
        if index in gone:
            continue
        if slide != NO_SLIDE and used[slide] >= cap:
            held_back.append(int(index))
            continue
        used[slide] += 1
        chosen.append(int(index))
    return chosen + held_back[: count - len(chosen)]


def flagged(pool: Pool) -> list[Choice]:
    """The fields that the quality gate refused, in order of key."""
    found = [Choice(key, 0.0, reason) for key, reason in zip(pool.keys, pool.quality, strict=True) if reason]
    return sorted(found, key=lambda choice: choice.key)


def ranking(
    pool: Pool, chosen: Iterable[int], scores: NDArray[np.floating] | Mapping[int, float], reason: Reason
) -> Ranking:
    """The answer of a strategy that chose the fields `chosen`, best first."""
    choices = tuple(Choice(pool.keys[index], float(scores[index]), reason(index)) for index in chosen)
    return Ranking(choices, tuple(flagged(pool)))
