"""A whole loop on a toy problem in two dimensions, with a rare class: does the default find it sooner than chance?"""

from __future__ import annotations

import numpy as np

from learning.strategies import Pool, strategy

CENTRES = np.array([[0.0, 0.0], [2.2, 0.0], [0.0, 2.2], [2.6, 2.6]])
SHARES = np.array([0.6, 0.25, 0.14, 0.01])
RARE = 3
FIELDS, CELLS, BUDGET, ROUNDS = 240, 6, 6, 5


def _world(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells (FIELDS, CELLS, 2) and their classes (FIELDS, CELLS)."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, size=(FIELDS, CELLS), p=SHARES)
    return CENTRES[labels] + rng.normal(0, 0.55, (FIELDS, CELLS, 2)), labels


def _scores(cells: np.ndarray, known: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A kernel classifier: sure near its labelled cells, silent far from all of them."""
    near = np.exp(-((cells[:, None] - known[None]) ** 2).sum(2) / (2 * 0.4**2))
    votes = np.stack([near[:, labels == label].sum(1) for label in range(4)], 1)
    return np.asarray(votes / (votes.sum(1, keepdims=True) + 0.3), np.float32)


def _embedding(cells: np.ndarray) -> np.ndarray:
    mean = np.concatenate([cells.mean(1), cells.std(1), np.full((len(cells), 1), 2.0)], 1)
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


def _play(name: str, seed: int) -> tuple[float, float]:
    """Rare cells labelled (mean over the rounds) and mean distance of a pool cell to the nearest labelled one."""
    cells, labels = _world(seed)
    embedding = _embedding(cells)
    done = np.random.default_rng(seed).permutation(FIELDS)[:BUDGET].tolist()
    rare = []
    for turn in range(ROUNDS):
        left = [field for field in range(FIELDS) if field not in set(done)]
        known, classes = cells[done].reshape(-1, 2), labels[done].ravel()
        features = cells[left].reshape(-1, 2)
        pool = Pool(
            classes=("a", "b", "c", "rare"),
            keys=tuple(f"f{field:03d}" for field in left),
            slide=np.full(len(left), -1, np.int64),
            quality=(None,) * len(left),
            embedding=embedding[left],
            field=np.repeat(np.arange(len(left)), CELLS).astype(np.int64),
            scores=_scores(features, known, classes),
            features=np.concatenate([features, np.full((len(features), 1), 2.0)], 1).astype(np.float32),
            boxes=np.zeros((0, 4), np.float32),
            class_counts=np.bincount(classes, minlength=4).astype(np.int64),
            class_quality=np.full(4, 0.3 + 0.1 * turn, np.float32),
            labelled_embedding=embedding[done],
            budget=BUDGET,
            seed=seed * 100 + turn,
        )
        done += [int(choice.key[1:]) for choice in strategy(name)(pool).choices]
        rare.append(np.count_nonzero(labels[done] == RARE))
    known = cells[done].reshape(-1, 2)
    reach = np.sqrt(((cells.reshape(-1, 1, 2) - known[None]) ** 2).sum(2)).min(1).mean()
    return float(np.mean(rare)), float(reach)


def test_hybrid_finds_the_rare_class_sooner_than_chance_and_covers_no_less() -> None:
    chance = np.array([_play("random", seed) for seed in range(10)]).mean(0)
    hybrid = np.array([_play("hybrid", seed) for seed in range(10)]).mean(0)
    assert hybrid[0] > 1.3 * chance[0]
    assert hybrid[1] <= 1.02 * chance[1]
