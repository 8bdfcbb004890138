"""Draw training, validation, tuning and test: whole groups, each split close to the whole in its classes. Pure.

A group is what must never straddle two splits: a case, else a slide, else a field with its near-duplicates.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations

SPLITS = ("training", "validation", "tuning", "test")
# Gräbel 2021: 56 % to learn, 11 % to stop, 11 % to set hyper-parameters, 22 % to measure.
FRACTIONS: Mapping[str, float] = {"training": 0.56, "validation": 0.11, "tuning": 0.11, "test": 0.22}
TWIN_BITS = 2

# With few groups one greedy draw can miss by a whole case, and many draws cost nothing.
_FEW_GROUPS, _DRAWS = 200, 60


def draw(
    groups: Mapping[str, Counter[str]],
    sizes: Mapping[str, int],
    *,
    seed: int,
    fractions: Mapping[str, float] = FRACTIONS,
    fixed: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The split of every group.

    `groups`: objects per class of each group. `sizes`: its fields, which the fractions are counted in. `fixed`: groups
    that have a split already; they keep it and use up its share. The same input gives the same splits in any order.
    No split is empty when there are at least as many groups as splits. Method: iterative stratification (Sechidis et
    al., ECML 2011) over groups, rarest class first, with the number of fields of each split as a limit.
    """
    fixed = fixed or {}
    names = sorted(groups)
    quota = _quotas(sum(sizes[name] for name in names), fractions, len(names))
    repeats = _DRAWS if len(names) <= _FEW_GROUPS else 1
    attempts = (
        _Draw(groups, sizes, quota, random.Random(f"{seed}/{turn}"), orderly=turn == 0).run(names, fixed)
        for turn in range(repeats)
    )
    return min(attempts, key=lambda drawn: _distance(drawn, groups, sizes, quota))


def _quotas(fields: int, fractions: Mapping[str, float], groups: int) -> dict[str, int]:
    """Whole fields per split by largest remainder, at least one each where there are groups enough."""
    whole = sum(fractions.values())
    exact = {split: fields * share / whole for split, share in fractions.items()}
    quota = {split: int(value) for split, value in exact.items()}
    by_remainder = sorted(exact, key=lambda split: quota[split] - exact[split])
    for split in by_remainder[: fields - sum(quota.values())]:
        quota[split] += 1
    if groups >= len(quota):
        for split in [split for split in quota if quota[split] == 0 and fractions[split] > 0]:
            richest = max(quota, key=lambda other: quota[other])
            quota[richest] -= 1
            quota[split] = 1
    return quota


class _Draw:
    def __init__(
        self,
        groups: Mapping[str, Counter[str]],
        sizes: Mapping[str, int],
        quota: Mapping[str, int],
        chance: random.Random,
        orderly: bool,
    ) -> None:
        self.groups, self.sizes, self.chance, self.orderly = groups, sizes, chance, orderly
        self.room = dict(quota)
        self.empty = list(quota)
        whole = max(1, sum(quota.values()))
        totals = sum(groups.values(), Counter[str]())
        self.wanted = {
            split: defaultdict(float, {label: count * quota[split] / whole for label, count in totals.items()})
            for split in quota
        }
        self.drawn = dict[str, str]()
        self.waiting = dict[str, None]()

    def run(self, names: list[str], fixed: Mapping[str, str]) -> dict[str, str]:
        for name in names:
            if name in fixed:
                self._give(name, fixed[name])
        shuffled = [name for name in names if name not in fixed]
        self.chance.shuffle(shuffled)
        self.waiting = dict.fromkeys(shuffled)
        holders = defaultdict[str, list[str]](list)
        for name in shuffled:
            for label in self.groups[name]:
                holders[label].append(name)
        for label in sorted(holders, key=lambda label: (sum(self.groups[n][label] for n in holders[label]), label)):
            self._deal(label, [name for name in holders[label] if name in self.waiting])
        for name in list(self.waiting):
            self._give(name, self._best(name, None))
        return self.drawn

    def _deal(self, label: str, names: list[str]) -> None:
        if self.orderly:
            names.sort(key=lambda name: -self.groups[name][label])
        for name in names:
            self._give(name, self._best(name, label))

    def _best(self, name: str, label: str | None) -> str:
        """The split with room that misses most of the class, then most fields."""
        open_to = self.empty if 0 < len(self.waiting) <= len(self.empty) else list(self.room)
        roomy = [split for split in open_to if self.room[split] >= self.sizes[name]]
        if not roomy:
            most = max(self.room[split] for split in open_to)
            roomy = [split for split in open_to if self.room[split] == most]
        return max(roomy, key=lambda split: (self.wanted[split][label] if label else 0.0, self.room[split]))

    def _give(self, name: str, split: str) -> None:
        self.drawn[name] = split
        self.empty = [other for other in self.empty if other != split]
        self.waiting.pop(name, None)
        if split in self.room:
            self.room[split] -= self.sizes[name]
            for label, count in self.groups[name].items():
                self.wanted[split][label] -= count


def _distance(
    drawn: Mapping[str, str],
    groups: Mapping[str, Counter[str]],
    sizes: Mapping[str, int],
    quota: Mapping[str, int],
) -> float:
    """How far a draw is from what was wanted: misplaced share of fields (counted four times) and of each class."""
    whole = max(1, sum(quota.values()))
    fields = Counter[str]()
    counts = defaultdict[str, Counter[str]](Counter)
    for name, split in drawn.items():
        fields[split] += sizes[name]
        counts[split].update(groups[name])
    missed = 4 * sum(abs(fields[split] - quota[split]) for split in quota) / whole
    totals = sum(counts.values(), Counter[str]())
    classes = [
        sum(abs(counts[split][label] / total - quota[split] / whole) for split in quota)
        for label, total in totals.items()
        if total
    ]
    return missed + sum(classes) / max(1, len(classes))


def take_share(sizes: Mapping[str, int], share: float, seed: int) -> set[str]:
    """Whole groups, drawn by chance, that hold as nearly as they can `share` of all fields."""
    names = sorted(sizes)
    random.Random(f"{seed}/share").shuffle(names)
    wanted, held, taken = share * sum(sizes.values()), 0, set[str]()
    for name in names:
        if abs(held + sizes[name] - wanted) < abs(held - wanted):
            taken.add(name)
            held += sizes[name]
    return taken


class Groups:
    """Which things belong together: a union-find over any hashable names."""

    def __init__(self) -> None:
        self._parent = dict[Hashable, Hashable]()

    def root(self, name: Hashable) -> Hashable:
        path = []
        while (above := self._parent.get(name, name)) != name:
            path.append(name)
            name = above
        for step in path:
            self._parent[step] = name
        return name

    def join(self, one: Hashable, other: Hashable) -> None:
        self._parent[self.root(one)] = self.root(other)


def twins(hashes: Iterable[int], bits: int = TWIN_BITS) -> Iterable[tuple[int, int]]:
    """Pairs of different 64-bit hashes that differ in at most `bits` bits.

    Of `bits` + 1 bands at least one must agree, so only hashes that share a band are compared.
    """
    bands = bits + 1
    width = -(-64 // bands)
    mask = (1 << width) - 1
    distinct = sorted(set(hashes))
    for band in range(bands):
        buckets = defaultdict[int, list[int]](list)
        for value in distinct:
            buckets[value >> (band * width) & mask].append(value)
        for bucket in buckets.values():
            yield from (pair for pair in combinations(bucket, 2) if (pair[0] ^ pair[1]).bit_count() <= bits)
