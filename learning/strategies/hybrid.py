"""The default: what the detector is unsure of and short of, spread out, with a share of coverage and of chance.

1. A share of the batch is drawn at random from all usable fields, before anything else, so that it is an unbiased
   sample: it measures the loop, and it finds cells that the detector never sees.
2. While the detector is weak, a share of the rest goes to coverage (`coverage_share`).
3. The remainder: fields by uncertainty x rarity, isolated ones set aside, the best 4 times as many as needed, of which
   k-medoids keeps those that differ (PPAL's two stages). Own addition: a candidate has at least half the score of the
   last field that score alone would have chosen, so that difference is never bought with fields that teach nothing.

The three kinds are mixed evenly over the batch, each best first, so that a batch that is left half done still holds
its share of each.
"""

from __future__ import annotations

import numpy as np

from learning.strategies import batch, coverage, diversity, outliers, reasons
from learning.strategies.pool import Choice, Pool, Ranking
from learning.strategies.rarity import Worth, appraise, predicted_share, why
from learning.strategies.uncertainty import Readings

RANDOM_SHARE = 0.18
CANDIDATES = 4
CANDIDATE_SCORE = 0.5
GOOD_QUALITY = 0.6
UNKNOWN_QUALITY = 0.3
ENOUGH_CELLS = 40


def rank(pool: Pool) -> Ranking:
    """A batch of random, covering and informative fields (see the head of this file)."""
    worth = appraise(pool)
    count = batch.size(pool)
    drawn = batch.shuffled(pool, purpose=4)[: random_count(count)].tolist()
    informative_count = round((1 - coverage_share(pool, worth.readings)) * (count - len(drawn)))
    informative, aside = _informative(pool, worth, informative_count, drawn)
    rest = count - len(drawn) - len(informative)
    covering = coverage.pick(pool, rest, [*drawn, *informative], aside)
    lists = [
        [(field, why(pool, worth, field)) for field in informative],
        [(pick.field, pick.reason) for pick in covering],
        [(field, reasons.RANDOM) for field in drawn],
    ]
    choices = [Choice(pool.keys[field], float(worth.scores[field]), reason) for field, reason in _mixed(lists)]
    check = [Choice(pool.keys[field], float(worth.scores[field]), reasons.ISOLATED) for field in aside]
    return Ranking(tuple(choices), (*batch.flagged(pool), *check))


def random_count(count: int) -> int:
    """How many of a batch are drawn at random: 18 %, at least one of three, none of fewer."""
    return max(1, round(RANDOM_SHARE * count)) if count >= 3 else 0


def coverage_share(pool: Pool, readings: Readings) -> float:
    """How much of the batch goes to coverage, from 1 (no detector to speak of) to 0.

    One minus the lesser of two measures of readiness: mean quality over the classes, full at 0.6, and labelled cells
    of the frequent classes (at least half of an even share of the detections), full at 40, the median of them.
    At AP50 0.3 or 20 cells coverage and uncertainty share the batch. A quality that nobody measured counts as 0.3.
    """
    known = pool.class_quality[np.isfinite(pool.class_quality)]
    quality = float(known.mean()) if len(known) else UNKNOWN_QUALITY
    frequent = predicted_share(pool, readings) >= 0.5 / max(len(pool.classes), 1)
    cells = float(np.median(pool.class_counts[frequent])) if frequent.any() else 0.0
    return 1 - float(np.clip(min(quality / GOOD_QUALITY, cells / ENOUGH_CELLS), 0, 1))


def _informative(pool: Pool, worth: Worth, count: int, drawn: list[int]) -> tuple[list[int], list[int]]:
    """`count` informative fields that differ, and the isolated ones among those that would have been asked for."""
    if count == 0:
        return [], []
    order = [int(field) for field in batch.by_score(pool, worth.scores) if worth.scores[field] > 0]
    isolated = set(outliers.isolated(pool, order[: 2 * CANDIDATES * count])) - set(drawn)
    good = [field for field in order if field not in isolated]
    # Four times the cap, so that one hard slide does not fill the candidates before diversity is asked.
    cap = CANDIDATES * batch.slide_cap(pool.budget)
    place_of = {field: place for place, field in enumerate(order)}
    candidates = sorted(batch.take(pool, good, CANDIDATES * count, cap, drawn), key=place_of.__getitem__)
    by_score_alone = batch.take(pool, candidates, count, batch.slide_cap(pool.budget), drawn)
    floor = CANDIDATE_SCORE * min((worth.scores[field] for field in by_score_alone), default=0.0)
    candidates = [field for field in candidates if worth.scores[field] >= floor]
    last = place_of[candidates[-1]] if candidates else 0
    return diversity.pick(pool, worth, candidates, count, drawn), [f for f in order[: last + 1] if f in isolated]


def _mixed(lists: list[list[tuple[int, str]]]) -> list[tuple[int, str]]:
    """The lists as one, each spread evenly over it and kept in its own order."""
    placed = [
        ((place + 0.5) / len(items), kind, item) for kind, items in enumerate(lists) for place, item in enumerate(items)
    ]
    return [item for _, _, item in sorted(placed, key=lambda entry: entry[:2])]
