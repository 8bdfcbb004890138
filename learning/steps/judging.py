"""What a freshly trained model is worth: threshold and calibration on tuning, figures on tuning and test, its gate."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from annotation.actions.snapshots import FrozenReading
from annotation.models import Split
from learning.exchange import ClassPlan, recast
from learning.found.keeping import LEAST_IN_TRAINING, keep_found
from learning.found.tables import About
from learning.gate import Difference, Evidence, Verdict, judge
from learning.models import ModelVersion
from learning.steps.looking import Looker, found_cells, look_at_readings
from models_zoo import metrics
from models_zoo.detections import Detections
from models_zoo.metrics import Truth
from models_zoo.metrics.matching import LOWEST_SCORE

Report = Callable[[int, int], None]

# A model counts as silent when nothing it finds scores this much.
SILENT_BELOW = 0.05

# Training fields are looked at for faults in their labels alone: so many of them, drawn anew for each model, cost
# little beside the training that went before.
MOST_TRAINING = {"cpu": 200, "gpu": 2_000}
# Of the curves that are kept with a model: more digits cannot be seen.
DIGITS = 4


@dataclass(frozen=True)
class Judgement:
    """`metrics` by split, `threshold` and `calibration` chosen on tuning, and the gate's verdict. `seconds_a_field`:
    how long it took to look at one of them, opening the model included; None where there was none."""

    threshold: float
    calibration: dict[str, float]
    metrics: dict[str, Any]
    verdict: Verdict
    tuning: tuple[dict[str, Truth], dict[str, Detections]]
    seconds_a_field: float | None = None


def judge_model(
    candidate: Looker,
    plan: ClassPlan,
    readings: Sequence[FrozenReading],
    incumbent: ModelVersion | None,
    folder: Path,
    device: str,
    report: Report | None = None,
    *,
    files: Path,
) -> Judgement:
    """Judge `candidate`, which learned `plan`, on the tuning fields of `readings`; test is only reported.

    What it found on labelled fields is kept in `files`, the folder that becomes the model's.
    """
    tuning, test = _of(readings, Split.TUNING), _of(readings, Split.TEST)
    began = time.monotonic()
    truths, found = look_at_readings(candidate, tuning, plan, folder / "tuning.npz", device, report)
    spent = time.monotonic() - began
    threshold = metrics.best_threshold(truths, found)
    calibrator = metrics.fit_calibrator(*metrics.judged(truths, found, plan.names))
    figures: dict[str, Any] = {}
    everywhere = dict(found)
    if tuning:
        figures["tuning"] = compact(metrics.evaluate(truths, found, plan.names, threshold=threshold).as_dict())
        figures["tuning"]["threshold_from"] = "these fields"
    if test:
        seen = look_at_readings(candidate, test, plan, folder / "test.npz", device, report)
        figures["test"] = compact(metrics.evaluate(*seen, plan.names, threshold=threshold).as_dict())
        everywhere |= seen[1]
    about = About(candidate.numbers, plan.names, threshold, calibrator.slope, calibrator.intercept, {})
    kept = _look_everywhere(candidate, plan, readings, everywhere, folder, device, report)
    looked = {
        split: (sum(reading.split == split for reading in kept), len(_of(readings, split))) for split in Split.values
    }
    keep_found(kept, everywhere, plan, replace(about, looked=looked), files)
    evidence = _evidence(truths, found, plan, tuning, incumbent, folder, device)
    return Judgement(
        threshold,
        {"slope": calibrator.slope, "intercept": calibrator.intercept},
        figures,
        judge(evidence),
        (truths, found),
        round(spent / len(tuning), 4) if tuning else None,
    )


def _look_everywhere(
    candidate: Looker,
    plan: ClassPlan,
    readings: Sequence[FrozenReading],
    found: dict[str, Detections],
    folder: Path,
    device: str,
    report: Report | None,
) -> list[FrozenReading]:
    """Look at validation and some training fields as well, for the pages of errors: adds to `found`, and answers with
    all readings whose fields it holds then."""
    validation, training = _of(readings, Split.VALIDATION), _of(readings, Split.TRAINING)
    most = MOST_TRAINING["cpu" if device == "cpu" else "gpu"]
    drawn = random.Random(len(readings)).sample(training, min(len(training), most))
    drawn.sort(key=lambda reading: reading.field)
    for part, name, least in ((validation, "validation", LOWEST_SCORE), (drawn, "training", LEAST_IN_TRAINING)):
        _, seen = look_at_readings(candidate, part, plan, folder / f"{name}.npz", device, report, min_score=least)
        found |= seen
    return [*drawn, *validation, *_of(readings, Split.TUNING), *_of(readings, Split.TEST)]


def compact(report: dict[str, Any]) -> dict[str, Any]:
    """The same report with few digits in its curves, which are most of it."""
    curves = {name: [round(value, DIGITS) for value in curve] for name, curve in report["curves"].items()}
    return report | {"curves": curves}


def _of(readings: Sequence[FrozenReading], split: str) -> list[FrozenReading]:
    return [reading for reading in readings if reading.split == split and reading.exhaustive]


def _evidence(
    truths: dict[str, Truth],
    found: dict[str, Detections],
    plan: ClassPlan,
    tuning: Sequence[FrozenReading],
    incumbent: ModelVersion | None,
    folder: Path,
    device: str,
) -> Evidence:
    difference = None
    if incumbent is not None and tuning:
        looker = Looker.of(incumbent)
        _, theirs = look_at_readings(looker, tuning, plan, folder / "incumbent.npz", device)
        difference = _difference(truths, found, {k: recast(d, looker.numbers, plan) for k, d in theirs.items()}, plan)
    return Evidence(
        fields=len(tuning),
        cases=len({truth.case or key for key, truth in truths.items()}),
        cells=sum(int((truth.labels >= 0).sum()) for truth in truths.values()),
        found=found_cells(found, SILENT_BELOW),
        incumbent=incumbent.label if incumbent else None,
        difference=difference,
    )


def _difference(
    truths: dict[str, Truth], ours: dict[str, Detections], theirs: dict[str, Detections], plan: ClassPlan
) -> Difference | None:
    """None where there is no truth to compare on."""
    comparison = metrics.compare(truths, ours, theirs, plan.names)
    if comparison.difference is None:
        return None
    low, high = comparison.interval or (None, None)
    return Difference(comparison.difference, low, high, comparison.better)
