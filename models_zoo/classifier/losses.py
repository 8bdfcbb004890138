"""Losses for classes of which some are rare (METHODS section 5: met explicitly)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor], Tensor]


def class_weights(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """(classes,) inverse frequencies whose mean over the cells is 1; 0 for a class without a cell.

    w_c = n / (k n_c), n cells of k classes that have some: the usual `balanced` weights.
    """
    some = counts > 0
    weights = np.zeros(len(counts))
    weights[some] = counts.sum() / (some.sum() * counts[some])
    return weights


def focal(logits: Tensor, labels: Tensor, gamma: float, weights: Tensor | None = None) -> Tensor:
    """Mean of -w (1 - p)^gamma log p, p the probability of the true class (Lin 2017); gamma 0 is cross-entropy."""
    log_p = functional.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    each = -((1 - log_p.exp()) ** gamma) * log_p
    return (each if weights is None else each * weights[labels]).mean()


def loss_of(balance: str, gamma: float, counts: NDArray[np.integer], device: torch.device) -> Loss:
    weights = torch.tensor(class_weights(counts), dtype=torch.float32, device=device)
    if balance == "focal":
        return lambda logits, labels: focal(logits, labels, gamma)
    if balance == "weights":
        return lambda logits, labels: (
            functional.cross_entropy(logits, labels, reduction="none") * weights[labels]
        ).mean()
    return functional.cross_entropy


def sampled(labels: NDArray[np.integer], balance: str, chance: np.random.Generator) -> NDArray[np.intp]:
    """The order in which an epoch shows the cells: each once, or with `sampling` drawn so that classes come alike."""
    if balance != "sampling":
        return chance.permutation(len(labels))
    weights = class_weights(np.bincount(labels))[labels]
    return chance.choice(len(labels), len(labels), p=weights / weights.sum())
