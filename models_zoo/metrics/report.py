"""The front of the metrics: `evaluate` one model, `compare` two on the same fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from models_zoo.detections import Detections
from models_zoo.lengths import Length
from models_zoo.metrics.average_precision import mean_over_classes, precision_at_recalls
from models_zoo.metrics.bootstrap import Interval, draws, interval, resampled_ap, resampled_rates
from models_zoo.metrics.calibration import LOWEST_CALIBRATED, Calibration, reliability
from models_zoo.metrics.confusion import Confusion, confusion
from models_zoo.metrics.groups import Group, by_kind, by_size
from models_zoo.metrics.matching import Layout, lay_out
from models_zoo.metrics.rule import Bools, Floats, Ints, MatchKind, Rule, Truth
from models_zoo.metrics.thresholds import Counts, counts_at, rates, threshold_of

SWEEP = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75)


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class: numbers at the threshold, and its average precision over all thresholds.

    `cases`: how many cases have a true cell of it. `intervals` of ap50, precision, recall and f1: 95 %, over cases.
    """

    truths: int
    detections: int
    tp: int
    fp: int
    fn: int
    precision: float | None
    recall: float | None
    f1: float | None
    ap50: float | None
    cases: int = 0
    intervals: dict[str, Interval | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matching:
    """By which rule detections were matched; `rule` says it in words. A distance is in px, in µm or in cells."""

    kind: MatchKind
    iou: float | None
    distance_px: float | None
    rule: str
    distance_um: float | None = None
    distance_cells: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What `evaluate` says. None stands where the data cannot tell (nothing to divide by).

    `ap50`: average precision, mean over the classes with truth, under the rule of `match` (IoU 0.5 unless another was
    asked for; by centre distance where `match.kind` is "centre"). `f1`, `precision`, `recall`: all classes pooled, at
    `threshold`; `macro` holds their means over the classes with truth. `found`: share of true cells that were found at
    the threshold whatever class they were given. `threshold_from`: "given", or "these fields" where it was chosen on
    the very fields it is reported for, which flatters f1. `objects`: true cells; `detections`: those judged at the
    threshold. `ap_by_iou` and `f1_by_iou`: macro average precision, and F1 at the threshold, at IoUs 0.30 to 0.75,
    empty under centre matching. `by_size` and `by_kind`: see `groups`. `curves`: for each class with truth the
    precision at the recalls 0, 0.01 ... 1. `intervals`: 95 %, over cases.
    """

    ap50: float | None
    f1: float | None
    precision: float | None
    recall: float | None
    found: float | None
    threshold: float
    threshold_from: str
    fields: int
    cases: int
    objects: int
    detections: int
    macro: dict[str, float | None]
    per_class: dict[str, ClassRow]
    ap_by_iou: dict[str, float | None]
    f1_by_iou: dict[str, float | None]
    by_size: dict[str, Group]
    by_kind: dict[str, Group]
    curves: dict[str, list[float]]
    confusion: Confusion
    calibration: Calibration
    intervals: dict[str, Interval | None]
    match: Matching

    def as_dict(self) -> dict[str, Any]:
        """The same as plain dicts, lists, numbers and None, ready for JSON."""
        plain = asdict(self)
        for part in (plain, *plain["per_class"].values()):
            part["intervals"] = {name: ends and list(ends) for name, ends in part["intervals"].items()}
        return plain


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate against incumbent on the same fields: `difference` = candidate's ap50 minus incumbent's.

    `interval`: 95 %, by a paired bootstrap over cases. `better`: share of resamples in which the candidate is strictly
    better. None where the data cannot tell (no truth; for the last two fewer than 2 cases).
    """

    candidate: float | None
    incumbent: float | None
    difference: float | None
    interval: Interval | None
    better: float | None
    cases: int
    objects: int


@dataclass(frozen=True, slots=True)
class _Matched:
    layout: Layout
    rule: Rule
    matches: Ints
    counted: Bools

    def ap(self, weights: Floats) -> Floats:
        return resampled_ap(self.layout, self.matches, self.counted, weights)


def evaluate(
    truths: Mapping[str, Truth],
    found: Mapping[str, Detections],
    classes: Sequence[str],
    *,
    match: MatchKind = "iou",
    iou: float = 0.5,
    distance_px: float | None = None,
    distance: Length | None = None,
    threshold: float | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> Report:
    """Measure what was `found` (field key to detections) against `truths` (field key to truth).

    Boxes are x0, y0, x1, y1 in field pixels; labels and columns of scores are indices into `classes`. `threshold` is
    the model's own, chosen on the tuning split by `best_threshold`; None chooses it here. See `Rule` for the matching
    and `lay_out` for what is judged. Sources: COCO (Lin 2014) for matching and AP, METHODS section 3 for distances
    and thresholds, Kueppers 2020 for calibration. Raises ValueError where arrays do not fit or a field is missing.
    """
    done = _matched(truths, found, classes, Rule(match, iou, distance_px, distance))
    layout = done.layout
    level = threshold_of(layout, done.matches, done.counted) if threshold is None else float(threshold)
    counts = counts_at(layout, done.matches, done.counted, level)
    curves = precision_at_recalls(layout, done.matches, done.counted, np.ones((1, layout.case_count)))[0]
    weights = draws(layout.case_count, resamples, seed)
    resampled = precision_at_recalls(layout, done.matches, done.counted, weights).mean(2)
    table = _table(classes, counts, curves.mean(1), _class_intervals(counts, resampled, weights))
    right, wrong, true = (np.atleast_1d(part.sum()) for part in (counts.right, counts.wrong, counts.truths))
    precision, recall, f1 = (_known(value[0]) for value in rates(right, wrong, true))
    mixed = _confusion(done, level, classes)
    return Report(
        ap50=_known(mean_over_classes(curves.mean(1))),
        f1=f1,
        precision=precision,
        recall=recall,
        found=_found(mixed),
        threshold=level,
        threshold_from="these fields" if threshold is None else "given",
        fields=layout.fields,
        cases=layout.case_count,
        objects=len(layout.true_labels),
        detections=int(right[0] + wrong[0]),
        macro=_macro(table),
        per_class=table,
        **_sweep(done, level),
        by_size=by_size(layout, done.matches, done.counted, level),
        by_kind=by_kind(layout, done.matches, done.counted, level),
        curves={name: curve.tolist() for name, curve in zip(classes, curves, strict=True) if not np.isnan(curve[0])},
        confusion=mixed,
        calibration=_calibration(done, level),
        intervals=_intervals(counts, resampled, weights),
        match=_matching(done.rule),
    )


def compare(
    truths: Mapping[str, Truth],
    candidate: Mapping[str, Detections],
    incumbent: Mapping[str, Detections],
    classes: Sequence[str],
    *,
    match: MatchKind = "iou",
    iou: float = 0.5,
    distance_px: float | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> Comparison:
    """Compare two models' ap50 on the same fields, each resample drawing the same cases for both."""
    rule = Rule(match, iou, distance_px)
    new, old = (_matched(truths, found, classes, rule) for found in (candidate, incumbent))
    whole = np.ones((1, new.layout.case_count))
    new_ap, old_ap = new.ap(whole)[0], old.ap(whole)[0]
    weights = draws(new.layout.case_count, resamples, seed)
    differences = new.ap(weights) - old.ap(weights)
    differences = differences[~np.isnan(differences)]
    return Comparison(
        candidate=_known(new_ap),
        incumbent=_known(old_ap),
        difference=_known(new_ap - old_ap),
        interval=interval(differences),
        better=float((differences > 0).mean()) if len(differences) else None,
        cases=new.layout.case_count,
        objects=len(new.layout.true_labels),
    )


def judged(
    truths: Mapping[str, Truth],
    found: Mapping[str, Detections],
    classes: Sequence[str],
    *,
    match: MatchKind = "iou",
    iou: float = 0.5,
    distance_px: float | None = None,
    min_score: float = LOWEST_CALIBRATED,
) -> tuple[Floats, Bools]:
    """(n,) scores and (n,) whether right of all detections of at least `min_score`: what `fit_calibrator` takes."""
    done = _matched(truths, found, classes, Rule(match, iou, distance_px))
    shown = done.counted & (done.layout.scores >= min_score)
    return done.layout.scores[shown], done.matches[shown] >= 0


def _matched(
    truths: Mapping[str, Truth], found: Mapping[str, Detections], classes: Sequence[str], rule: Rule
) -> _Matched:
    if len(set(classes)) != len(classes):
        raise ValueError(f"class names must differ, these do not: {', '.join(classes)}")
    layout = lay_out(truths, found, rule, len(classes))
    matches = layout.matches(rule.least)
    return _Matched(layout, rule, matches, layout.counted(matches, rule.least))


def _matching(rule: Rule) -> Matching:
    far = rule.distance or Length(px=0)
    px = far.px if rule.distance is not None else rule.distance_px
    return Matching(rule.kind, rule.iou if rule.kind == "iou" else None, px, rule.words(), far.um, far.cells)


def _known(value: float | np.floating | Floats) -> float | None:
    return None if np.isnan(value) else float(value)


def _table(
    classes: Sequence[str], counts: Counts, ap: Floats, intervals: Sequence[dict[str, Interval | None]]
) -> dict[str, ClassRow]:
    right, wrong, truths = (part.sum(0) for part in (counts.right, counts.wrong, counts.truths))
    precision, recall, f1 = rates(right, wrong, truths)
    return {
        name: ClassRow(
            truths=int(truths[i]),
            detections=int(right[i] + wrong[i]),
            tp=int(right[i]),
            fp=int(wrong[i]),
            fn=int(truths[i] - right[i]),
            precision=_known(precision[i]),
            recall=_known(recall[i]),
            f1=_known(f1[i]),
            ap50=_known(ap[i]),
            cases=int((counts.truths[:, i] > 0).sum()),
            intervals=intervals[i],
        )
        for i, name in enumerate(classes)
    }


def _macro(table: Mapping[str, ClassRow]) -> dict[str, float | None]:
    """Means over the classes with truth; a class of which nothing was found counts with a precision of 0."""
    rows = [row for row in table.values() if row.truths]
    columns = {
        "precision": [row.precision or 0.0 for row in rows],
        "recall": [row.recall or 0.0 for row in rows],
        "f1": [row.f1 or 0.0 for row in rows],
    }
    return {name: float(np.mean(values)) if values else None for name, values in columns.items()}


def _confusion(done: _Matched, threshold: float, classes: Sequence[str]) -> Confusion:
    matches = done.layout.matches(done.rule.least, any_class=True)
    return confusion(done.layout, matches, done.layout.counted(matches, done.rule.least), threshold, classes)


def _found(mixed: Confusion) -> float | None:
    counts = np.array(mixed.counts)[:-1]
    return float(counts[:, :-1].sum() / counts.sum()) if counts.sum() else None


def _sweep(done: _Matched, threshold: float) -> dict[str, dict[str, float | None]]:
    layout, whole = done.layout, np.ones((1, done.layout.case_count))
    swept: dict[str, dict[str, float | None]] = {"ap_by_iou": {}, "f1_by_iou": {}}
    for level in SWEEP if done.rule.kind == "iou" else ():
        matches = layout.matches(level)
        counted = layout.counted(matches, level)
        counts = counts_at(layout, matches, counted, threshold)
        pooled = rates(*(np.atleast_1d(part.sum()) for part in (counts.right, counts.wrong, counts.truths)))
        swept["ap_by_iou"][f"{level:.2f}"] = _known(resampled_ap(layout, matches, counted, whole)[0])
        swept["f1_by_iou"][f"{level:.2f}"] = _known(pooled[2][0])
    return swept


def _calibration(done: _Matched, threshold: float) -> Calibration:
    """Over detections of at least 0.05, or of the operating threshold where that is lower."""
    scores, right = done.layout.scores[done.counted], (done.matches >= 0)[done.counted]
    return reliability(scores, right, min_score=min(threshold, LOWEST_CALIBRATED))


def _intervals(counts: Counts, resampled: Floats, weights: Floats) -> dict[str, Interval | None]:
    """`resampled` (r, classes): the average precision of each class in each resample."""
    precision, recall, f1 = resampled_rates(counts, weights)
    values = {"ap50": mean_over_classes(resampled), "f1": f1, "precision": precision, "recall": recall}
    return {name: interval(value) for name, value in values.items()}


def _class_intervals(counts: Counts, resampled: Floats, weights: Floats) -> list[dict[str, Interval | None]]:
    """As `_intervals`, for each class alone; a resample without a true cell of it says nothing about it."""
    precision, recall, f1 = rates(*(weights @ part for part in (counts.right, counts.wrong, counts.truths)))
    values = {"ap50": resampled, "f1": f1, "precision": precision, "recall": recall}
    return [{name: interval(value[:, i]) for name, value in values.items()} for i in range(resampled.shape[1])]
