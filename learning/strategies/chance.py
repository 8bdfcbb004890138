"""Fields drawn by chance: the yardstick of every other strategy, and the only unbiased one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from learning.strategies import batch
from learning.strategies.pool import NO_SLIDE, Pool, Ranking


def rank(pool: Pool) -> Ranking:
    """A uniform draw without replacement from the usable fields."""
    chosen = batch.shuffled(pool)[: batch.size(pool)].tolist()
    return batch.ranking(pool, chosen, np.zeros(len(pool.keys)), lambda _: "drawn at random")


def spread_over_slides(pool: Pool, count: int, taken: Iterable[int] = ()) -> list[int]:
    """`count` fields drawn slide by slide in turn, so that every slide is seen before one is seen twice.

    A field of no known slide counts as a slide of its own.
    """
    gone = set(taken)
    order = [int(index) for index in batch.shuffled(pool, purpose=1)]
    turns: dict[int, int] = {}
    for index in gone:
        turns[int(pool.slide[index])] = turns.get(int(pool.slide[index]), 0) + 1
    queue: list[tuple[int, int, int]] = []
    for place, index in enumerate(order):
        slide = int(pool.slide[index])
        if index in gone:
            continue
        turn = turns.get(slide, 0) if slide != NO_SLIDE else 0
        turns[slide] = turn + 1
        queue.append((turn, place, index))
    return [index for _, _, index in sorted(queue)[:count]]
