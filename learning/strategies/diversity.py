"""Fields that differ from each other: PPAL's class-conditioned matching distance and k-medoids.

Yang et al., "Plug and Play Active Learning for Object Detection", CVPR 2024. From field A to field B: every
detection of A looks for the most similar detection of the same class in B; the distance is 1 - cosine of the two
feature vectors, or 2 where B has no such class; the mean over A's detections is weighted by their scores. The two
directions are averaged. A rare class that only A shows therefore keeps A apart from everything else.

Own addition: at most 20 detections a field count, those of highest value, and fewer (down to 4) where the candidates
are so many that the comparisons would pass `MOST_PAIRS`; features longer than 64 numbers are then shortened to their
64 main directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import kmedoids
import numpy as np

from learning.strategies import batch
from learning.strategies.pool import NO_SLIDE, Floats, Ints, Pool
from learning.strategies.rarity import Worth

MOST_DETECTIONS, FEWEST_DETECTIONS = 20, 4
MOST_PAIRS = 100_000_000
SHORT = 64
ROWS = 512
ABSENT = 2.0


@dataclass(frozen=True, slots=True)
class Found:
    """The detections that are compared: `owner` index into the candidates, class, score, feature of length 1."""

    owner: Ints
    label: Ints
    score: Floats
    feature: Floats


def pick(pool: Pool, worth: Worth, candidates: Sequence[int], count: int, taken: Sequence[int]) -> list[int]:
    """`count` of the `candidates` (best first) that differ most, best first; the cap per slide counts `taken` in.

    Each cluster gives its medoid; where the medoid's slide is full, the best member from another slide.
    """
    if count >= len(candidates):
        return list(candidates)
    if count == 0:
        return []
    distance = matching_distance(pool, worth, candidates)
    medoids, labels = cluster(distance, count)
    cap = batch.slide_cap(pool.budget)
    chosen: list[int] = []
    for medoid in sorted(medoids.tolist()):
        members = [medoid, *(place for place in np.flatnonzero(labels == labels[medoid]).tolist() if place != medoid)]
        open_places = [
            candidates[place] for place in members if _has_room(pool, candidates[place], [*taken, *chosen], cap)
        ]
        chosen += open_places[:1]
    chosen += batch.take(pool, candidates, count - len(chosen), cap, [*taken, *chosen])
    place_of = {index: place for place, index in enumerate(candidates)}
    return sorted(chosen, key=place_of.__getitem__)


def matching_distance(pool: Pool, worth: Worth, fields: Sequence[int]) -> Floats:
    """(n, n) distance in 0..2 between the given fields of the pool, 0 on the diagonal."""
    found = _gather(pool, worth, fields)
    count = len(fields)
    closeness = np.zeros((count, count), np.float32)
    for label in np.unique(found.label):
        _add_class(closeness, found, np.flatnonzero(found.label == label))
    weight = np.bincount(found.owner, weights=found.score, minlength=count).astype(np.float32)
    closeness /= np.maximum(weight, np.float32(1e-9))[:, None]
    distance = closeness + closeness.T
    distance *= -0.5
    distance += ABSENT
    np.maximum(distance, 0, out=distance)
    np.fill_diagonal(distance, 0)
    return distance


def cluster(distance: Floats, count: int) -> tuple[Ints, Ints]:
    """`count` medoids and the cluster of every point; starts from k-centre greedy at the first point (as PPAL does)."""
    start = np.zeros(count, np.uint64)
    nearest = distance[0].copy()
    nearest[0] = -1
    for place in range(1, count):
        start[place] = farthest = int(np.argmax(nearest))
        np.minimum(nearest, distance[farthest], out=nearest)
        nearest[farthest] = -1
    # One thread and no shuffling: the same distances always give the same medoids.
    result = kmedoids.fasterpam(distance, start, n_cpu=1)
    return np.asarray(result.medoids, np.int64), np.asarray(result.labels, np.int64)


def _add_class(closeness: Floats, found: Found, rows: Ints) -> None:
    """Add, for every pair of fields that show one class, the score-weighted sum of 2 - distance over A's detections.

    The n-th detections of all fields make a layer; fields with most detections stand first, so that every layer is
    a head of the one before and whole layers are compared by one matrix product.
    """
    owners, first, counts = np.unique(found.owner[rows], return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    owners, first, counts = owners[order], first[order], counts[order]
    layers = [rows[first[: int(np.count_nonzero(counts > n))] + n] for n in range(int(counts[0]))]
    features = [found.feature[layer] for layer in layers]
    total = np.zeros((len(owners), len(owners)), np.float32)
    for layer, mine in zip(layers, features, strict=True):
        for start in range(0, len(layer), ROWS):
            part = slice(start, min(start + ROWS, len(layer)))
            best = mine[part] @ features[0].T
            for theirs in features[1:]:
                head = best[:, : len(theirs)]
                np.maximum(head, mine[part] @ theirs.T, out=head)
            best += ABSENT - 1
            best *= found.score[layer[part], None]
            total[part] += best
    closeness[np.ix_(owners, owners)] += total


def _gather(pool: Pool, worth: Worth, fields: Sequence[int]) -> Found:
    """The most valuable detections of each field, in order of field and value."""
    owner, rank, rows = [], [], []
    for place, field in enumerate(fields):
        part = np.arange(pool.starts[field], pool.starts[field + 1])
        part = part[worth.readings.kept[part]]
        part = part[np.argsort(-worth.values[part], kind="stable")[:MOST_DETECTIONS]]
        owner.append(np.full(len(part), place))
        rank.append(np.arange(len(part)))
        rows.append(part)
    owners, ranks, taken = (np.concatenate([np.zeros(0, np.int64), *parts]) for parts in (owner, rank, rows))
    labels = worth.readings.label[taken].astype(np.int64)
    most = _affordable(labels, ranks)
    few = ranks < most
    owners, labels, taken = owners[few], labels[few], taken[few]
    features = pool.features if pool.features.shape[1] else pool.scores
    feature = np.nan_to_num(features[taken].astype(np.float32))
    if most < MOST_DETECTIONS:
        feature = _shortened(feature)
    feature /= np.maximum(np.linalg.norm(feature, axis=1, keepdims=True), np.float32(1e-9))
    return Found(owners, labels, worth.readings.top[taken], feature)


def _affordable(labels: Ints, ranks: Ints) -> int:
    """How many detections a field may show so that pairs of one class stay below `MOST_PAIRS`."""
    for most in range(MOST_DETECTIONS, FEWEST_DETECTIONS, -1):
        counts = np.bincount(labels[ranks < most]).astype(np.float64)
        if (counts**2).sum() <= MOST_PAIRS:
            return most
    return FEWEST_DETECTIONS


def _shortened(feature: Floats) -> Floats:
    """(m, 64) the features along the 64 directions that hold most of them."""
    if feature.shape[1] <= SHORT:
        return feature
    length = np.maximum(np.linalg.norm(feature, axis=1, keepdims=True), np.float32(1e-9))
    feature = feature / length
    _, directions = np.linalg.eigh(feature.T @ feature)
    return np.asarray(feature @ directions[:, -SHORT:], np.float32)


def _has_room(pool: Pool, field: int, others: Sequence[int], cap: int) -> bool:
    slide = pool.slide[field]
    return bool(slide == NO_SLIDE or np.count_nonzero(pool.slide[np.asarray(others, np.int64)] == slide) < cap)
