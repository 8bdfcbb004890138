"""The score-ranking loss against its equations, by plain loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_zoo.faster_rcnn.ranking import DELTA, ranking_updates, score_ranking_loss


def step(difference: float, delta: float) -> float:
    return float(difference >= 0) if delta == 0 else min(1.0, max(0.0, difference / (2 * delta) + 0.5))


def by_loops(scores: list[float], quality: list[float], weight: float, delta: float) -> tuple[float, np.ndarray]:
    """METHODS section 4, sum by sum, and the updates of Rank & Sort (Oksuz 2021, identity update)."""
    positive = [i for i, y in enumerate(quality) if y > 0]
    negative = [i for i, y in enumerate(quality) if y <= 0]
    loss, updates = 0.0, np.zeros(len(scores))
    for i in positive:
        h = {j: step(scores[j] - scores[i], delta) for j in range(len(scores))}
        among, false = sum(h[j] for j in positive), sum(h[j] for j in negative)
        ranking = false / (among + false)
        now = sum(h[j] * (1 - quality[j]) for j in positive) / among
        good = [j for j in positive if quality[j] >= quality[i]]
        target = sum(h[j] * (1 - quality[j]) for j in good) / sum(h[j] for j in good)
        sorting = weight * (now - target)
        loss += ranking + sorting
        wrong = [j for j in positive if quality[j] < quality[i]]
        blame = sum(h[j] for j in wrong)
        if false > 0:
            updates[i] -= ranking
            for j in negative:
                updates[j] += ranking * h[j] / false
        if blame > 0:
            updates[i] -= sorting
            for j in wrong:
                updates[j] += sorting * h[j] / blame
    return loss / len(positive), updates / len(positive)


@pytest.mark.parametrize("weight", [0.5, 1.0])
@pytest.mark.parametrize("delta", [0.0, DELTA])
def test_loss_and_updates_are_those_of_the_equations(weight: float, delta: float) -> None:
    chance = np.random.default_rng(11)
    for _ in range(20):
        scores = chance.normal(0, 1, 14).astype(np.float32)
        quality = np.where(chance.random(14) < 0.4, chance.uniform(0.5, 1, 14), 0).astype(np.float32)
        quality[0] = 0.7
        loss, updates = ranking_updates(torch.tensor(scores), torch.tensor(quality), weight, delta)
        wanted, moved = by_loops(scores.tolist(), quality.tolist(), weight, delta)
        assert float(loss) == pytest.approx(wanted, abs=1e-5)
        np.testing.assert_allclose(updates.numpy(), moved, atol=1e-5)


def test_one_positive_below_two_negatives_by_hand() -> None:
    """r = 3 (itself and two above): the error is 2/3; it goes up by that, each negative down by half of it."""
    scores = torch.tensor([0.0, 5.0, 5.0, -5.0], requires_grad=True)
    loss = score_ranking_loss(scores, torch.tensor([0.8, 0.0, 0.0, 0.0]), 0.5, delta=0.0)
    assert loss.item() == pytest.approx(2 / 3)
    loss.backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    np.testing.assert_allclose(scores.grad.numpy(), [-2 / 3, 1 / 3, 1 / 3, 0], atol=1e-6)


@pytest.mark.parametrize("weight", [0.25, 0.5, 1.0])
def test_two_positives_in_the_wrong_order_by_hand(weight: float) -> None:
    """The better one (IoU 0.9) lies below the worse (0.5). Its mean error is (0.1 + 0.5) / 2 = 0.3, its target 0.1: it
    goes up by lambda 0.2, the worse one down by it, and the mean over two positives halves both."""
    scores = torch.tensor([0.0, 3.0], requires_grad=True)
    loss = score_ranking_loss(scores, torch.tensor([0.9, 0.5]), weight, delta=0.0)
    assert loss.item() == pytest.approx(weight * 0.2 / 2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    np.testing.assert_allclose(scores.grad.numpy(), [-weight * 0.1, weight * 0.1], atol=1e-6)


def test_lambda_weighs_the_sorting_part_alone() -> None:
    """At 1 it is Rank & Sort; the part that lambda weighs is linear in it."""
    chance = np.random.default_rng(4)
    scores = torch.tensor(chance.normal(0, 1, 30), dtype=torch.float32)
    quality = torch.tensor(np.where(chance.random(30) < 0.5, chance.uniform(0.5, 1, 30), 0), dtype=torch.float32)
    (none, a), (half, b), (whole, c) = (ranking_updates(scores, quality, weight) for weight in (0.0, 0.5, 1.0))
    assert float(half) == pytest.approx(float(none + whole) / 2, abs=1e-6)
    assert float(whole) > float(none)
    torch.testing.assert_close(b, (a + c) / 2)


def test_updates_sum_to_zero_and_a_perfect_order_costs_nothing() -> None:
    quality = torch.tensor([0.9, 0.7, 0.5, 0.0, 0.0])
    loss, updates = ranking_updates(torch.tensor([9.0, 6.0, 3.0, -3.0, -6.0]), quality, 0.5)
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert updates.abs().max().item() == pytest.approx(0, abs=1e-6)
    _, updates = ranking_updates(torch.tensor([-1.0, 0.1, 0.3, 0.2, 2.0]), quality, 0.5)
    assert updates.sum().item() == pytest.approx(0, abs=1e-6)
    assert updates.abs().max().item() > 0.1


def test_without_positives_nothing_moves() -> None:
    scores = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = score_ranking_loss(scores, torch.zeros(2))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert scores.grad is not None
    assert scores.grad.abs().sum().item() == 0
