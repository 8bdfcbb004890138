"""Training, validation, tuning and test for a set that no server has split: whole cases, else slides, else fields.

The web app draws the same splits for its rows; a library that is used from a notebook cannot ask it. The rule is the
same (Gräbel 2021: 56, 11, 11 and 22 %, "arranged such that its cell type distribution is similar to the overall
distribution"), the search plainer: many random draws, each dealt group by group to whichever split lacks most, and
the one nearest to the whole wins.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

FRACTIONS: Mapping[str, float] = {"training": 0.56, "validation": 0.11, "tuning": 0.11, "test": 0.22}
By = Literal["case", "slide", "field"]
# So many groups a split at least, on average, or the next finer kind of group is taken.
ENOUGH = 2
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Labelled:
    """A field to be placed: how many objects of which class, and the case and slide it is of ("" unknown)."""

    key: str
    counts: Mapping[str, int]
    case: str = ""
    slide: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """`splits`: the split of each field by its key. `by`: what was kept whole, for the card. `distance`: mean over
    classes of how far the shares of a split's objects are from its fraction, summed over the splits; 0 is perfect."""

    splits: Mapping[str, str] = field(default_factory=dict)
    by: By = "case"
    distance: float = 0.0


def draw(fields: Sequence[Labelled], seed: int, fractions: Mapping[str, float] = FRACTIONS) -> Drawn:
    """Place every field in a split. By case where all cases are known and there are at least 2 a split; otherwise by
    slide, then by field. The same fields and seed give the same splits in any order. Raises ValueError for two fields
    of one key."""
    if len({one.key for one in fields}) != len(fields):
        raise ValueError("every field needs a key of its own")
    by = _by(fields, len(fractions))
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for one in sorted(fields, key=lambda one: one.key):
        groups[_group(one, by)].append(one)
    attempts = (_deal(groups, fractions, random.Random(f"{seed}/{turn}")) for turn in range(DRAWS))
    distance, _, best = min((_distance(groups, drawn, fractions), turn, drawn) for turn, drawn in enumerate(attempts))
    return Drawn({one.key: best[name] for name, members in groups.items() for one in members}, by, distance)


def _by(fields: Sequence[Labelled], splits: int) -> By:
    enough = ENOUGH * splits
    if all(one.case for one in fields) and len({_group(one, "case") for one in fields}) >= enough:
        return "case"
    if all(one.slide for one in fields) and len({_group(one, "slide") for one in fields}) >= enough:
        return "slide"
    return "field"


def _group(one: Labelled, by: By) -> str:
    return {"case": one.case, "slide": f"{one.case}/{one.slide}", "field": one.key}[by]


def _deal(
    groups: Mapping[str, Sequence[Labelled]], fractions: Mapping[str, float], chance: random.Random
) -> dict[str, str]:
    """Groups in a random order, each to the split that lacks most fields of its fraction; nobody is left empty."""
    names = sorted(groups)
    chance.shuffle(names)
    whole = sum(len(members) for members in groups.values())
    room = {split: share / sum(fractions.values()) * whole for split, share in fractions.items()}
    drawn: dict[str, str] = {}
    for number, name in enumerate(names):
        empty = [split for split in room if split not in drawn.values()]
        left = len(names) - number
        open_to = empty if 0 < left <= len(empty) else list(room)
        split = max(open_to, key=lambda one: room[one])
        drawn[name] = split
        room[split] -= len(groups[name])
    return drawn


def _distance(
    groups: Mapping[str, Sequence[Labelled]], drawn: Mapping[str, str], fractions: Mapping[str, float]
) -> float:
    counts: dict[str, Counter[str]] = {split: Counter() for split in fractions}
    for name, members in groups.items():
        for one in members:
            counts[drawn[name]].update(one.counts)
    totals = sum(counts.values(), Counter[str]())
    whole = sum(fractions.values())
    misses = [
        sum(abs(counts[split][label] / total - share / whole) for split, share in fractions.items())
        for label, total in totals.items()
        if total
    ]
    return sum(misses) / len(misses) if misses else 0.0
