"""The calibration error by hand, and a calibrator that finds the map a score was bent with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_zoo.metrics import Calibrator, fit_calibrator, reliability
from models_zoo.metrics.report import evaluate, judged
from tests.models_zoo.test_metrics import names, world


def bent(slope: float, intercept: float, number: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and outcomes of which the true probability is sigmoid(slope * logit(score) + intercept)."""
    random = np.random.default_rng(0)
    scores = random.uniform(0.02, 0.98, number)
    logits = slope * np.log(scores / (1 - scores)) + intercept
    return scores, random.random(number) < 1 / (1 + np.exp(-logits))


def test_the_calibration_error_of_a_worked_example() -> None:
    scores = np.array([0.01, 0.62, 0.68, 0.95, 1.0])
    found = reliability(scores, np.array([True, True, False, True, True]))
    # 0.01 lies below 0.05; bin 0.6-0.7: 2/4 * |0.5 - 0.65|; bin 0.9-1: 2/4 * |1 - 0.975|
    assert found.d_ece == pytest.approx(0.5 * 0.15 + 0.5 * 0.025)
    assert (found.detections, len(found.bins), found.min_score) == (4, 10, 0.05)
    assert [row.detections for row in found.bins] == [0, 0, 0, 0, 0, 0, 2, 0, 0, 2]
    assert found.bins[6].confidence == pytest.approx(0.65)
    assert found.bins[6].precision == 0.5
    assert (found.bins[0].confidence, found.bins[0].precision) == (None, None)


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, -1.0), (2.0, 0.7), (1.0, 0.0)])
def test_a_calibrator_finds_how_scores_were_bent(slope: float, intercept: float) -> None:
    scores, correct = bent(slope, intercept)
    calibrator = fit_calibrator(scores, correct)
    assert calibrator.slope == pytest.approx(slope, abs=0.06)
    assert calibrator.intercept == pytest.approx(intercept, abs=0.06)
    after = calibrator(scores)
    assert after.mean() == pytest.approx(correct.mean(), abs=1e-4)
    error = reliability(after, correct, min_score=0).d_ece
    assert error is not None
    assert error < 0.015


def test_where_nothing_can_be_learned_scores_stay_as_they_are() -> None:
    scores, correct = bent(0.5, -1.0, 200)
    backwards = fit_calibrator(scores, scores < 0.5)
    for calibrator in (
        fit_calibrator(scores[:29], correct[:29]),
        fit_calibrator(scores, np.ones(200, bool)),
        fit_calibrator(scores, np.zeros(200, bool)),
        backwards,
    ):
        assert calibrator == Calibrator()
        assert (calibrator(scores) == scores).all()
    assert fit_calibrator(scores, correct) != Calibrator()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(30, 80), edge=st.floats(0, 1))
def test_a_calibrator_is_finite_and_keeps_the_order(seed: int, number: int, edge: float) -> None:
    random = np.random.default_rng(seed)
    scores = random.choice([0.0, 0.2, 0.5, 0.9, 1.0], number)
    correct = (scores > edge) ^ (random.random(number) < random.choice([0, 0.3]))
    calibrator = fit_calibrator(scores, correct)
    assert np.isfinite([calibrator.slope, calibrator.intercept]).all()
    after = calibrator(np.linspace(0, 1, 50).reshape(5, 10))
    assert after.shape == (5, 10)
    assert ((after >= 0) & (after <= 1)).all()
    assert (np.diff(after.ravel()) >= 0).all()


def test_the_report_judges_the_detections_that_a_calibrator_is_fitted_on() -> None:
    truths, found = world(2)
    scores, right = judged(truths, found, names(4))
    report = evaluate(truths, found, names(4), threshold=0.4)
    assert report.calibration == reliability(scores, right)
    assert report.calibration.detections == len(scores) > 20
    low = evaluate(truths, found, names(4), threshold=0.01).calibration
    assert (low.min_score, low.detections > len(scores)) == (0.01, True)
