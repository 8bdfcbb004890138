"""Two models on the same labelled fields: where they disagree, and whether one is better than chance would have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learning.found.tables import BACKGROUND, NO_CLAIM, NONE, SPLITS, Found, Ints
from models_zoo.detections import Detections
from models_zoo.metrics import Truth
from models_zoo.metrics.bootstrap import Interval, draws, interval, resampled_ap, resampled_rates
from models_zoo.metrics.matching import Layout, lay_out
from models_zoo.metrics.rule import Floats, Rule
from models_zoo.metrics.thresholds import counts_at

FIGURES = ("ap50", "f1", "precision", "recall")
RESAMPLES = 200

# What became of a label, by a model.
NOT_JUDGED, MISSED, WRONG_CLASS, RIGHT = range(4)


@dataclass(frozen=True, slots=True)
class Disagreements:
    """`fields` (ids) that both models looked at, those with most disagreement first, and `counts` of it.

    `changed`: how many of them have labels that changed between the two snapshots.
    """

    fields: Ints
    counts: Ints
    changed: int


def states(found: Found) -> NDArray[np.int8]:
    """For each label what became of it at the model's threshold."""
    hit = found.hit(found.shown())
    right = found.detections["output"][hit] == found.labels["output"] if len(found.detections) else hit != NONE
    result = np.select([found.labels["output"] < 0, hit == NONE, right], [NOT_JUDGED, MISSED, RIGHT], WRONG_CLASS)
    return result.astype(np.int8)


def disagreements(first: Found, second: Found, split: str) -> Disagreements:
    """Labels that one model gets right and the other misses or takes for another class, and false alarms that one has
    more of, counted by field. A label that only one of them was judged on is left out."""
    rows_a, rows_b = _common(first, second, split)
    counts = np.abs(_false_alarms(first)[rows_a] - _false_alarms(second)[rows_b])
    place = np.full(len(first), NONE, np.intp)
    place[rows_a] = np.arange(len(rows_a))
    _, in_a, in_b = np.intersect1d(_names(first), _names(second), assume_unique=True, return_indices=True)
    state_a, state_b = states(first)[in_a], states(second)[in_b]
    differ = (state_a != state_b) & (state_a != NOT_JUDGED) & (state_b != NOT_JUDGED)
    fields = place[first.owners("labels")[in_a[differ]]]
    np.add.at(counts, fields[fields != NONE], 1)
    ids = np.asarray(first.fields["field"])[rows_a]
    order = np.lexsort((ids, -counts))
    changed = int((first.fields["reading"][rows_a] != second.fields["reading"][rows_b]).sum())
    return Disagreements(ids[order], counts[order], changed)


def _common(first: Found, second: Found, split: str) -> tuple[Ints, Ints]:
    """The rows of the fields of `split` that both looked at."""
    a, b = (np.asarray(found.fields["field"][:-1]) for found in (first, second))
    _, rows_a, rows_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
    here = first.fields["split"][rows_a] == SPLITS.index(split)
    return rows_a[here], rows_b[here]


def _names(found: Found) -> NDArray[np.bytes_]:
    return np.ascontiguousarray(found.labels["uuid"]).view("S16")


def _false_alarms(found: Found) -> Ints:
    """By field, at the threshold."""
    alarms = np.flatnonzero(found.shown() & (found.detections["match"] < 0))
    owners = np.searchsorted(found.fields["detections"], alarms, side="right") - 1
    return np.bincount(owners, minlength=len(found))


@dataclass(frozen=True, slots=True)
class Difference:
    """First minus second; the interval comes from drawing the same cases for both."""

    first: float | None
    second: float | None
    difference: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    figures: dict[str, Difference]
    fields: int
    cases: int
    cells: int


def compare(first: Found, second: Found, split: str, output: Mapping[int, int | None]) -> Comparison:
    """Both against the labels and the classes that the `first` was judged by, each at its own threshold.

    `output` maps the second's classes (their numbers) to outputs of the first.
    """
    rows_a, rows_b = _common(first, second, split)
    columns = np.array([_column(output.get(number)) for number in second.about.numbers], np.intp)
    own = np.arange(len(first.about.numbers))
    truths = {str(row): truth_on(first, int(row)) for row in rows_a}
    ours = {str(row): found_on(first, int(row), own, len(own)) for row in rows_a}
    theirs = {str(a): found_on(second, int(b), columns, len(own)) for a, b in zip(rows_a, rows_b, strict=True)}
    rule = Rule()
    layouts = [lay_out(truths, found, rule, len(own)) for found in (ours, theirs)]
    whole = np.ones((1, layouts[0].case_count))
    weights = np.concatenate([whole, draws(layouts[0].case_count, RESAMPLES, 0)])
    a, b = (
        _values(layout, rule, found.about.threshold, weights)
        for layout, found in zip(layouts, (first, second), strict=True)
    )
    return Comparison(
        {name: _difference(a[name], b[name]) for name in FIGURES},
        fields=len(rows_a),
        cases=layouts[0].case_count,
        cells=len(layouts[0].true_labels),
    )


def _column(output: int | None) -> int:
    return NONE if output is None or output == NO_CLAIM else output


def truth_on(found: Found, row: int) -> Truth:
    """The labels of the field in that row, as its model was judged by them."""
    labels = found.labels[found.labels_of(row)]
    labels = labels[labels["output"] != BACKGROUND]
    case = int(found.fields["case"][row])
    return Truth(labels["box"], labels["output"].astype(np.intp), "" if case == NONE else str(case))


def found_on(found: Found, row: int, columns: Ints, width: int) -> Detections:
    """What was found on a field, with the score of the highest class in its column; without one it scores nowhere."""
    rows = found.detections[found.detections_of(row)]
    scores = np.zeros((len(rows), width), np.float32)
    column = columns[rows["output"]]
    known = column != NONE
    scores[np.flatnonzero(known), column[known]] = rows["score"][known]
    return Detections(np.asarray(rows["box"], np.float32), scores, np.zeros((len(rows), 0), np.float32))


def _values(layout: Layout, rule: Rule, threshold: float, weights: Floats) -> dict[str, Floats]:
    """Each figure for each row of `weights`; the first row is the data as they are."""
    matches = layout.matches(rule.least)
    counted = layout.counted(matches, rule.least)
    precision, recall, f1 = resampled_rates(counts_at(layout, matches, counted, threshold), weights)
    ap50 = resampled_ap(layout, matches, counted, weights)
    return {"ap50": ap50, "f1": f1, "precision": precision, "recall": recall}


def _difference(first: Floats, second: Floats) -> Difference:
    gaps = first - second
    return Difference(_known(first[0]), _known(second[0]), _known(gaps[0]), interval(gaps[1:]))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
