"""A resample is as if its cases had been evaluated anew; two models are compared on the same draws."""

from __future__ import annotations

import numpy as np
import pytest

from models_zoo.metrics import Truth, compare, evaluate
from models_zoo.metrics.bootstrap import draws, interval, resampled_ap, resampled_rates
from models_zoo.metrics.matching import lay_out
from models_zoo.metrics.rule import Rule
from models_zoo.metrics.thresholds import counts_at
from tests.models_zoo.test_metrics import Found, Truths, names, world


def drawn_anew(truths: Truths, found: Found, times: dict[str, int]) -> tuple[Truths, Found]:
    """Every field as often as its case was drawn, under keys and cases of their own."""
    copies = [(key, n) for key, truth in truths.items() for n in range(times[truth.case])]
    return (
        {f"{key} {n}": Truth(truths[key].boxes, truths[key].labels, f"{truths[key].case} {n}") for key, n in copies},
        {f"{key} {n}": found[key] for key, n in copies},
    )


@pytest.mark.parametrize("kind", ["iou", "centre"])
def test_a_weighted_resample_equals_an_evaluation_of_copied_cases(kind: str) -> None:
    rule = Rule(kind)  # type: ignore[arg-type]
    truths, found = world(3, fields=9)
    layout = lay_out(truths, found, rule, 4)
    matches = layout.matches(rule.least)
    counted = layout.counted(matches, rule.least)
    weights = draws(layout.case_count, 12, seed=1)
    aps = resampled_ap(layout, matches, counted, weights)
    rates = resampled_rates(counts_at(layout, matches, counted, 0.3), weights)
    cases = sorted({truth.case for truth in truths.values()})
    assert len({tuple(row) for row in weights}) > 5
    for row, ap, precision, recall, f1 in zip(weights, aps, *rates, strict=True):
        copied = drawn_anew(truths, found, dict(zip(cases, row.astype(int), strict=True)))
        report = evaluate(*copied, names(4), match=rule.kind, threshold=0.3, resamples=0)
        assert [report.ap50, report.precision, report.recall, report.f1] == pytest.approx([ap, precision, recall, f1])


def test_intervals_are_of_cases_and_repeat_with_the_seed() -> None:
    truths, found = world(5, fields=12)
    report = evaluate(truths, found, names(4), seed=4)
    again, other = evaluate(truths, found, names(4), seed=4), evaluate(truths, found, names(4), seed=5)
    assert report.intervals == again.intervals != other.intervals
    for name, ends in report.intervals.items():
        assert ends is not None
        assert ends[0] < getattr(report, name) < ends[1]
    # the same fields as one patient say nothing about other patients; as patients of their own they say more
    one = {key: Truth(truth.boxes, truth.labels, "only") for key, truth in truths.items()}
    assert set(evaluate(one, found, names(4)).intervals.values()) == {None}
    alone = {key: Truth(truth.boxes, truth.labels) for key, truth in truths.items()}
    assert evaluate(alone, found, names(4)).cases == 12
    assert interval(np.array([np.nan, 0.5])) is None


def test_each_class_has_its_intervals_and_says_of_how_many_cases() -> None:
    truths, found = world(5, fields=12)
    report = evaluate(truths, found, names(4), seed=4)
    for label, row in enumerate(report.per_class.values()):
        assert row.cases == len({truth.case for truth in truths.values() if label in truth.labels})
        if not row.truths:
            assert row.intervals["ap50"] is None, "no resample has a cell of it"
            continue
        assert set(row.intervals) == {"ap50", "f1", "precision", "recall"}
        for name, ends in row.intervals.items():
            assert ends is not None
            assert ends[0] <= getattr(row, name) <= ends[1]
    alone = evaluate({key: truths[key] for key in list(truths)[:1]}, found, names(4))
    assert {ends for row in alone.per_class.values() for ends in row.intervals.values()} == {None}


def test_the_better_of_two_models_is_named() -> None:
    truths, good = world(8, fields=12)
    truths = {key: Truth(truth.boxes, truth.labels, key) for key, truth in truths.items()}
    poor = {key: item[np.arange(0, len(item), 2)] for key, item in good.items()}
    verdict = compare(truths, good, poor, names(4))
    assert verdict.candidate == evaluate(truths, good, names(4), resamples=0).ap50
    assert verdict.incumbent == evaluate(truths, poor, names(4), resamples=0).ap50
    assert verdict.difference is not None
    assert verdict.interval is not None
    assert 0 < verdict.interval[0] < verdict.difference < verdict.interval[1]
    assert 0.9 < (verdict.better or 0) <= 1
    backwards = compare(truths, poor, good, names(4))
    assert backwards.difference == -verdict.difference
    assert backwards.better == pytest.approx(1 - (verdict.better or 0))
    same = compare(truths, good, good, names(4))
    assert (same.difference, same.interval, same.better) == (0, (0, 0), 0)
