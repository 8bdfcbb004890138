"""Models with something found: labelled fields of a small project, and detections that are right, wrong or absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from annotation.actions.snapshots import FrozenReading, freeze
from annotation.models import Field, Project
from learning.exchange import plan_of, truth_of
from learning.found.keeping import keep_found
from learning.found.tables import About, Found
from learning.models import ModelVersion
from models_zoo import metrics
from models_zoo.detections import Detections, nothing
from tests.learning import rows

# Class numbers are looked up by key, so that the ontology may grow.
KEYS = ("seg", "myc")


@dataclass
class Script:
    """What a model finds on one field, by the place of the label in its reading.

    Every label is found with `score` and its own class, but for those that are `missed` or `taken` for the other
    class (label: score); `alarms` are boxes of the first class where nothing is labelled (box, score).
    """

    score: float = 0.9
    missed: Sequence[int] = ()
    taken: dict[int, float] = field(default_factory=dict)
    alarms: Sequence[tuple[tuple[float, float, float, float], float]] = ()


def detections(reading: FrozenReading, script: Script, numbers: Sequence[int]) -> Detections:
    boxes, scores = [], []
    for place, cell in enumerate(reading.cells):
        if place in script.missed:
            continue
        own = numbers.index(cell.number) if cell.number in numbers else 0
        row = np.full(len(numbers), 0.01, np.float32)
        row[1 - own if place in script.taken else own] = script.taken.get(place, script.score)
        boxes.append(cell.shape.bounds)
        scores.append(row)
    for box, score in script.alarms:
        boxes.append(box)
        scores.append(np.array([score] + [0.01] * (len(numbers) - 1), np.float32))
    if not boxes:
        return nothing(len(numbers))
    return Detections(np.array(boxes, np.float32), np.array(scores, np.float32), np.zeros((len(boxes), 0), np.float32))


def numbers_of(owner: Project) -> tuple[int, ...]:
    known = dict(owner.classes.values_list("key", "number"))
    return tuple(known[key] for key in KEYS)


def fields(owner: Project, splits: Sequence[str] = ("training", "validation", "tuning", "test")) -> list[Field]:
    """One labelled field with a picture for each of `splits`: six cells of one class, two of another."""
    made = [rows.picture(rows.field(owner, split)) for split in splits]
    for one in made:
        rows.reading(one, {"seg": 6, "myc": 2})
    return made


def model(owner: Project, label: str, scripts: dict[int, Script] | None = None, **values: Any) -> ModelVersion:
    """A model of two classes that looked at every labelled field; `scripts` by field id, elsewhere all is found."""
    numbers = numbers_of(owner)
    card: dict[str, Any] = {
        "classes": list(KEYS),
        "class_map": {str(number): index for index, number in enumerate(numbers)},
        "cell_px": 40.0,
        "median_px": None,
        "fill_px": 320,
        "weak_shape": "circle",
    }
    known: dict[str, Any] = {"card": card, "threshold": 0.3, "classes": list(numbers)}
    made = rows.model(owner, label, **(known | values))
    made.path.mkdir(parents=True, exist_ok=True)
    made.onnx.write_bytes(b"onnx of " + label.encode())
    keep(made, scripts or {})
    return made


def keep(made: ModelVersion, scripts: dict[int, Script], **about: Any) -> Found:
    """Let the model look again; also fills its figures as judging does."""
    plan = plan_of(made)
    readings = list(freeze(Field.objects.filter(project=made.project).exhaustive()))
    found = {
        str(reading.field): detections(reading, scripts.get(reading.field, Script()), plan.numbers)
        for reading in readings
    }
    figures = {}
    for split in ("tuning", "test"):
        truths = {str(item.field): truth_of(item, plan) for item in readings if item.split == split}
        if truths:
            figures[split] = metrics.evaluate(truths, found, plan.names, threshold=made.threshold).as_dict()
    made.metrics = figures
    made.save(update_fields=["metrics"])
    known: dict[str, Any] = {"slope": 1.0, "intercept": 0.0, "looked": {"training": (1, 1)}} | about
    noted = About(plan.numbers, plan.names, made.threshold, **known)
    return keep_found(readings, found, plan, noted, made.path)
