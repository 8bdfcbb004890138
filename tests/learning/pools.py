"""Made pools for the tests of the strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from learning.strategies import Pool, Ranking

CLASSES = ("blast", "promyelocyte", "basophil", "lymphocyte")


@dataclass(frozen=True)
class MadeField:
    """One field of a made pool: each detection is its class scores and its feature vector."""

    key: str
    scores: Sequence[Sequence[float]] = ()
    features: Sequence[Sequence[float]] = ()
    slide: int = -1
    quality: str | None = None
    embedding: Sequence[float] = ()


SURE = (0.97, 0.01, 0.0, 0.0)
UNSURE = (0.41, 0.38, 0.02, 0.0)
RARE_UNSURE = (0.02, 0.38, 0.41, 0.0)


def make_pool(
    fields: Sequence[MadeField],
    budget: int,
    seed: int = 0,
    counts: Sequence[int] = (500, 500, 500, 500),
    quality: Sequence[float] = (0.8, 0.8, 0.8, 0.8),
    labelled_embedding: Sequence[Sequence[float]] = (),
) -> Pool:
    scores = [row for made in fields for row in made.scores]
    features = [row for made in fields for row in made.features]
    width = max((len(made.embedding) for made in fields), default=0)
    return Pool(
        classes=CLASSES,
        keys=tuple(made.key for made in fields),
        slide=np.array([made.slide for made in fields], np.int64),
        quality=tuple(made.quality for made in fields),
        embedding=np.array([made.embedding for made in fields], np.float32).reshape(len(fields), width),
        field=np.repeat(np.arange(len(fields)), [len(made.scores) for made in fields]).astype(np.int64),
        scores=np.array(scores, np.float32).reshape(len(scores), len(CLASSES)),
        features=np.array(features, np.float32).reshape(len(scores), -1 if features else 0),
        boxes=np.zeros((0, 4), np.float32),
        class_counts=np.array(counts, np.int64),
        class_quality=np.array(quality, np.float32),
        labelled_embedding=np.array(labelled_embedding, np.float32).reshape(len(labelled_embedding), width),
        budget=budget,
        seed=seed,
    )


def permuted(pool: Pool, order: np.ndarray) -> Pool:
    """The same pool with its fields in another order."""
    rows = [np.arange(pool.starts[old], pool.starts[old + 1]) for old in order]
    take = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    counts = [len(part) for part in rows]
    return replace(
        pool,
        keys=tuple(pool.keys[old] for old in order),
        slide=pool.slide[order],
        quality=tuple(pool.quality[old] for old in order),
        embedding=pool.embedding[order],
        field=np.repeat(np.arange(len(order)), counts).astype(np.int64),
        scores=pool.scores[take],
        features=pool.features[take],
    )


def keys(ranking: Ranking) -> list[str]:
    return [choice.key for choice in ranking.choices]


def random_pool(rng: np.random.Generator, fields: int, budget: int, slides: int = 4) -> Pool:
    """Fields of 0 to 12 detections with random scores, features, embeddings, one in ten flagged."""

    def unit(rows: int, width: int) -> np.ndarray:
        vectors = rng.normal(size=(rows, width))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    embedding = unit(fields, 6)
    made = []
    for number in range(fields):
        found = int(rng.integers(0, 13))
        made.append(
            MadeField(
                key=f"field-{number:03d}",
                scores=rng.dirichlet(np.full(4, 0.5), size=found).tolist(),
                features=unit(found, 5).tolist(),
                slide=int(rng.integers(0, slides)),
                quality="blur" if rng.random() < 0.1 else None,
                embedding=embedding[number].tolist(),
            )
        )
    return make_pool(made, budget, seed=7)
