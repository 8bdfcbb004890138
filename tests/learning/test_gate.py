"""The gate: what it refuses, what it lets pass, and that it says why."""

import pytest

from learning.gate import MIN_CASES, MIN_CELLS, Difference, Evidence, judge


def evidence(
    difference: Difference | None = None, *, cases: int = 20, cells: int = 500, found: int = 400, fields: int = 20
) -> Evidence:
    return Evidence(fields, cases, cells, found, "t1" if difference else None, difference)


def test_a_silent_model_is_refused() -> None:
    verdict = judge(evidence(found=0))
    assert not verdict.passed
    assert "not one cell on 20 tuning fields" in verdict.reason


def test_without_tuning_fields_it_passes_unchecked_and_says_so() -> None:
    verdict = judge(evidence(fields=0, cases=0, cells=0, found=0))
    assert verdict.passed
    assert "unchecked" in verdict.reason


@pytest.mark.parametrize(("cases", "cells"), [(MIN_CASES - 1, 500), (20, MIN_CELLS - 1)])
def test_too_little_to_compare_is_said_and_a_worse_one_passes(cases: int, cells: int) -> None:
    verdict = judge(evidence(Difference(-0.4, -0.5, -0.3, 0.0), cases=cases, cells=cells))
    assert verdict.passed
    assert "too few to compare" in verdict.reason


def test_the_first_of_its_kind_passes() -> None:
    assert judge(evidence()).passed


@pytest.mark.parametrize(
    ("difference", "passed"),
    [
        (Difference(0.05, 0.01, 0.09, 0.99), True),
        (Difference(-0.01, -0.04, 0.02, 0.30), True),
        (Difference(-0.01, -0.015, -0.005, 0.01), False),
        (Difference(-0.05, -0.12, 0.02, 0.10), False),
        (Difference(-0.05, None, None, None), False),
    ],
)
def test_a_worse_candidate_is_refused_and_noise_is_not(difference: Difference, passed: bool) -> None:
    verdict = judge(evidence(difference))
    assert verdict.passed is passed
    assert f"AP50 {difference.ap50:+.3f} against t1" in verdict.reason
    assert verdict.to_row()["evidence"]["incumbent"] == "t1"
