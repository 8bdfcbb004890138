"""Fields that resemble no other: more often a wrong stain, dirt or the slide's edge than a find.

Uncertainty loves them, and a batch full of them teaches nothing. They are not thrown away but set aside, with the
reason, for a person to look at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from learning.strategies import batch
from learning.strategies.pool import Floats, Ints, Pool

SHARE = 0.03
SPREADS = 3.5
CLOSEST = 1e-4
NEIGHBOURS = 5
SMALLEST_POOL = 100
SAMPLE = 2000
ROWS = 1024


def isolated(pool: Pool, fields: Sequence[int]) -> list[int]:
    """Those of `fields` that lie in the emptiest 3 % of the pool and far outside its usual spread.

    Emptiness is the mean cosine distance of the embedding to the 5 nearest among 2000 sampled and all labelled fields;
    "far outside" is more than 3.5 robust standard deviations above the median of its logarithm, so that a homogeneous
    pool loses next to nothing. Pools of fewer than 100 usable fields with an embedding have no outliers.
    """
    asked = np.array([field for field in fields if pool.has_embedding[field]], np.int64)
    sample = batch.shuffled(pool, purpose=3)
    sample = sample[pool.has_embedding[sample]][:SAMPLE]
    if len(sample) < SMALLEST_POOL or not len(asked):
        return []
    usual = np.log(_emptiness(pool, sample, sample))
    middle = float(np.median(usual))
    spread = 1.4826 * float(np.median(np.abs(usual - middle)))
    limit = max(float(np.quantile(usual, 1 - SHARE)), middle + SPREADS * spread)
    return [int(field) for field in asked[np.log(_emptiness(pool, asked, sample)) > limit + 1e-6]]


def _emptiness(pool: Pool, fields: Ints, sample: Ints) -> NDArray[np.float32]:
    """(n,) mean distance of each field to its nearest neighbours, itself not counted."""
    around: Floats = np.concatenate([pool.embedding[sample], pool.labelled_embedding])
    result = np.zeros(len(fields), np.float32)
    for start in range(0, len(fields), ROWS):
        mine = fields[start : start + ROWS]
        distance = 1 - pool.embedding[mine] @ around.T
        distance[:, : len(sample)][mine[:, None] == sample[None, :]] = np.inf
        nearest = np.partition(distance, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        result[start : start + ROWS] = np.maximum(nearest.mean(axis=1), CLOSEST)
    return result
