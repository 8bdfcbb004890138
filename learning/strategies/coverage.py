"""Fields that stand for the rest of the pool: the strategy of the first rounds, when no detector can be asked.

Greedy maximum coverage: with a similarity k(x, s) = exp(-|x - s|^2 / r^2) of embeddings, fields are chosen one by one
to raise the sum over the pool of max over (labelled + chosen) s of k(x, s) (MaxHerding, Bae et al., ECCV 2024). The
first choices are typical members of groups without a label, as in TypiClust (Hacohen et al., ICML 2022); the greedy sum
is within 1 - 1/e of the best possible (Nemhauser et al. 1978). A lonely field covers nobody but itself, so outliers
come last. The radius r is taken from the data: the median distance from a field to its n-th neighbour,
n = pool / (labelled + asked for), the size of the group that one labelled field has to stand for.

Pools of more than `SAMPLE` fields are represented by a random sample of that size, from which the fields are chosen.
Slides share a batch evenly, give or take a half. Without embeddings, fields are drawn at random slide by slide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learning.strategies import batch, chance, reasons
from learning.strategies.pool import NO_SLIDE, Choice, Floats, Ints, Pool, Ranking

SAMPLE = 4000
RADIUS_SAMPLE = 512
ROWS = 1024
FAR = 0.02


@dataclass(frozen=True, slots=True)
class Pick:
    """One chosen field: index into the pool, share of the pool it newly covers, and why."""

    field: int
    gain: float
    reason: str


def rank(pool: Pool) -> Ranking:
    """The fields that best stand for the part of the pool that nothing labelled stands for."""
    picks = pick(pool, batch.size(pool))
    choices = tuple(Choice(pool.keys[one.field], one.gain, one.reason) for one in picks)
    return Ranking(choices, tuple(batch.flagged(pool)))


def pick(pool: Pool, count: int, taken: Sequence[int] = (), avoid: Iterable[int] = ()) -> list[Pick]:
    """`count` usable fields, or all there are, beside the `taken` ones (which cover, too) and those to `avoid`."""
    if count <= 0:
        return []
    closed = {*taken, *avoid}
    picks = _Search(pool, count, taken, closed).run() if pool.has_embedding[pool.usable].any() else []
    closed |= {one.field for one in picks}
    rest = chance.spread_over_slides(pool, count - len(picks), closed)
    return picks + [Pick(field, 0.0, reasons.SPREAD) for field in rest]


class _Search:
    """The greedy choice. `near[i, j]` is the similarity of two sampled fields, `covered[j]` how well j is stood for."""

    def __init__(self, pool: Pool, count: int, taken: Sequence[int], closed: set[int]) -> None:
        sample = batch.shuffled(pool, purpose=2)
        sample = sample[pool.has_embedding[sample]]
        self.scale = len(sample) / max(min(len(sample), SAMPLE), 1)
        self.sample: Ints = sample[:SAMPLE]
        self.pool, self.count, self.taken = pool, count, list(taken)
        vectors = pool.embedding[self.sample]
        known = _rows_in_use(pool.labelled_embedding)
        self.near = _squared_distance(vectors, vectors)
        radius = _radius(self.near, len(sample) / (len(known) + len(self.taken) + count) / self.scale)
        _to_similarity(self.near, radius)
        self.by_labelled = _covered(vectors, known, radius)
        own = pool.embedding[np.asarray(self.taken, np.int64)]
        self.covered = np.maximum(self.by_labelled, _covered(vectors, _rows_in_use(own), radius))
        self.any_labelled = len(known) > 0
        self.open = np.array([int(field) not in closed for field in self.sample], bool)

    def run(self) -> list[Pick]:
        """Choose under the limits per slide, then, where these left the batch short, without."""
        slides = len({int(slide) for slide in self.pool.slide[self.pool.usable] if slide != NO_SLIDE})
        share = math.ceil(1.5 * self.count / max(slides, 1))
        picks = self._greedy(self.count, share, batch.slide_cap(self.pool.budget))
        return picks + self._greedy(self.count - len(picks), None, None)

    def _greedy(self, count: int, share: int | None, cap: int | None) -> list[Pick]:
        picks: list[Pick] = []
        bound = np.where(self.open, np.inf, -np.inf)
        while len(picks) < count and bound.max(initial=-np.inf) > -np.inf:
            place = int(np.argmax(bound))
            field = int(self.sample[place])
            if not self._has_room(field, picks, share, cap):
                bound[place] = -np.inf
                continue
            # Gains only fall as more is covered: a gain that still beats all old ones is the best (lazy greedy).
            gain = float(np.maximum(self.near[place] - self.covered, 0).sum(dtype=np.float64))
            bound[place] = -np.inf
            if gain < bound.max() - 1e-9:
                bound[place] = gain
                continue
            picks.append(self._take(place, gain))
        return picks

    def _take(self, place: int, gain: float) -> Pick:
        better = self.near[place] > self.covered
        reason = reasons.typical(max(1, round(int(np.count_nonzero(better)) * self.scale)))
        if self.any_labelled and self.by_labelled[place] < FAR:
            reason = reasons.UNLIKE
        np.maximum(self.covered, self.near[place], out=self.covered)
        self.open[place] = False
        return Pick(int(self.sample[place]), gain / len(self.sample), reason)

    def _has_room(self, field: int, picks: list[Pick], share: int | None, cap: int | None) -> bool:
        slide = self.pool.slide[field]
        if share is None or cap is None or slide == NO_SLIDE:
            return True
        mine = sum(1 for one in picks if self.pool.slide[one.field] == slide)
        return mine < share and mine + sum(1 for one in self.taken if self.pool.slide[one] == slide) < cap


def _rows_in_use(vectors: Floats) -> Floats:
    return vectors[np.any(vectors != 0, axis=1)] if vectors.size else vectors[:0]


def _squared_distance(left: Floats, right: Floats) -> Floats:
    """(n, m) squared distances of rows of length 1."""
    result = left @ right.T
    result *= -2
    result += 2
    np.maximum(result, 0, out=result)
    return result


def _radius(squared: Floats, group: float) -> float:
    """The median squared distance to the `group`-th neighbour; a little more than nothing where all are alike."""
    rows = squared[:RADIUS_SAMPLE]
    place = int(np.clip(round(group), 1, max(rows.shape[1] - 1, 1)))
    if rows.shape[1] < 2:
        return 1.0
    return max(float(np.median(np.partition(rows, place, axis=1)[:, place])), 1e-6)


def _to_similarity(squared: Floats, radius: float) -> None:
    squared /= -radius
    np.exp(squared, out=squared)


def _covered(vectors: Floats, known: Floats, radius: float) -> NDArray[np.float32]:
    """(n,) similarity of each row to the nearest of `known`."""
    result = np.zeros(len(vectors), np.float32)
    for start in range(0, len(known), ROWS):
        near = _squared_distance(vectors, known[start : start + ROWS])
        _to_similarity(near, radius)
        np.maximum(result, near.max(axis=1), out=result)
    return result
