"""The generalised score-ranking loss (Liu 2022), trained by error-driven updates as Rank & Sort is (Oksuz 2021).

For positives P and negatives N with scores s and, for positives, the IoU y with their cell; x_ij = s_j - s_i; H a step,
made linear between -delta and +delta:

    l(i)  = sum_N H(x_ij) / r(i)  +  lambda * sum_P H(x_ij) (1 - y_j) / r_P(i)
    l*(i) = lambda * sum_P [H(x_ij), y_j >= y_i] (1 - y_j) / sum_P [H(x_ij), y_j >= y_i]
    loss  = mean over P of l(i) - l*(i)

lambda = 1 is Rank & Sort. H has no gradient worth following, so each error moves what caused it (identity update): a
positive goes up by its own error, the negatives above it go down by the ranking part in proportion to H, the positives
above it that fit their cells worse go down by the sorting part in proportion to H.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

DELTA = 0.5
_NOTHING = 1e-10
# Pairs that are compared at once: a chunk of positives against everything.
_PAIRS = 4_000_000


class _Ranking(torch.autograd.Function):
    """Forward reckons loss and updates at once; backward hands the updates on."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, quality: Tensor, weight: float, delta: float) -> Tensor:
        loss, updates = ranking_updates(scores.detach(), quality, weight, delta)
        ctx.save_for_backward(updates)
        return loss

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None, None, None]:
        (updates,) = ctx.saved_tensors
        return updates * outer[0], None, None, None


def score_ranking_loss(scores: Tensor, quality: Tensor, weight: float = 0.5, delta: float = DELTA) -> Tensor:
    """The loss of `scores` (n,), logits, given `quality` (n,): the IoU of a positive in (0, 1], 0 for a negative.

    `weight` is lambda. Without positives the loss is 0 and moves nothing.
    """
    loss: Tensor = _Ranking.apply(scores.float(), quality.float(), weight, delta)
    return loss


def ranking_updates(scores: Tensor, quality: Tensor, weight: float, delta: float = DELTA) -> tuple[Tensor, Tensor]:
    """The loss and the update of each score that stands in for its gradient; see the head of this file."""
    updates = torch.zeros_like(scores)
    positive = torch.nonzero(quality > 0).flatten()
    if not len(positive):
        return scores.new_zeros(()), updates
    # A negative that lies below every positive by more than delta is above none of them.
    near = torch.nonzero((quality <= 0) & (scores > scores[positive].min() - delta)).flatten()
    s, y, n = scores[positive], quality[positive], scores[near]
    total = scores.new_zeros(())
    ups, downs = torch.zeros_like(s), torch.zeros_like(n)
    step = max(1, _PAIRS // (len(positive) + len(near) + 1))
    for start in range(0, len(positive), step):
        rows = slice(start, start + step)
        over = _above(s[None, :] - s[rows, None], delta)
        false = _above(n[None, :] - s[rows, None], delta)
        better = y[None, :] >= y[rows, None]
        ranking, sorting = _errors(over, false, better, y)
        total = total + (ranking + weight * sorting).sum()
        wrongly = torch.where(better, 0.0, over)
        blamed = wrongly.sum(1)
        # Where nobody is to blame there is nothing to correct.
        ranked = torch.where(false.sum(1) > _NOTHING, ranking, 0.0)
        sorted_ = torch.where(blamed > _NOTHING, weight * sorting, 0.0)
        ups[rows] -= ranked + sorted_
        downs += (false * (ranked / false.sum(1).clamp(min=_NOTHING))[:, None]).sum(0)
        ups += (wrongly * (sorted_ / blamed.clamp(min=_NOTHING))[:, None]).sum(0)
    updates[positive] = ups / len(positive)
    updates[near] = downs / len(positive)
    return total / len(positive), updates


def _above(difference: Tensor, delta: float) -> Tensor:
    """H: 1 where the other score is higher, 0 where it is lower, linear within delta; a sharp step for delta 0."""
    if delta <= 0:
        return (difference >= 0).float()
    return (difference / (2 * delta) + 0.5).clamp(0, 1)


def _errors(over: Tensor, false: Tensor, better: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The ranking error and the sorting error (less its target) of each row's positive."""
    rank_among = over.sum(1)
    ranking = false.sum(1) / (rank_among + false.sum(1))
    rightly = torch.where(better, over, 0.0)
    now = (over * (1 - y)).sum(1) / rank_among
    target = (rightly * (1 - y)).sum(1) / rightly.sum(1)
    return ranking, now - target
