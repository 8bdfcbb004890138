"""Accepting what a trained detector finds does not change the size of cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import models_zoo
from annotation.actions.cells import accept_prediction
from annotation.actions.predictions import publish_predictions
from annotation.actions.readings import open_reading, submit_reading
from annotation.actions.snapshots import freeze
from annotation.models import Cell, Field, Prediction, Project, Provenance, Reading
from learning.exchange import Working, path_of, plan_classes, record_of_field, record_of_reading, suggestions_of
from learning.weights import find_weights
from models_zoo.nms import one_per_cell
from models_zoo.records import DetectRequest, TrainRequest
from tests.learning import rows

pytestmark = [pytest.mark.training, pytest.mark.django_db]

SIDE, FIELDS, CELLS = 96, 24, 5
WORKING = Working(40.0, None)


def labelled_field(owner: Project, chance: np.random.Generator) -> Field:
    """Dark discs of radius 9 to 15 px that do not touch, some of them cut by the border, each labelled as a circle."""
    made = rows.field(owner, size=SIDE)
    Field.objects.filter(pk=made.pk).update(um_per_px=0.3)
    picture = Image.fromarray(chance.normal(225, 5, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8))
    brush, circles = ImageDraw.Draw(picture), list[tuple[float, float, float]]()
    for _ in range(200):
        r = float(chance.uniform(9, 15))
        x, y = (float(value) for value in chance.uniform(0, SIDE, 2))
        if len(circles) < CELLS and all(np.hypot(x - a, y - b) > r + other + 2 for a, b, other in circles):
            brush.ellipse((x - r, y - r, x + r - 1, y + r - 1), fill=(70, 30, 110))
            circles.append((x, y, r))
    picture.save(path_of(made))
    reading = Reading.objects.create(field=made, source="drawn", state="submitted", exhaustive=True)
    seg = owner.classes.get(key="seg")
    Cell.objects.bulk_create(
        Cell(
            project=owner,
            reading=reading,
            cell_class=seg,
            kind="circle",
            points=[x, y, r],
            x0=x - r,
            y0=y - r,
            x1=x + r,
            y1=y + r,
            provenance=Provenance.DRAWN,
        )
        for x, y, r in circles
    )
    Field.objects.filter(pk=made.pk).update(current_reading=reading)
    return made


def predict_after_training(owner: Project, out: Path) -> None:
    """Trains on the project's circles, shrunk as it says, and publishes what the detector finds on the same fields."""
    fields = Field.objects.filter(project=owner)
    readings = list(freeze(fields))
    plan = plan_classes(owner, readings, min_cells=1, artefacts="own")
    records = tuple(record_of_reading(reading, plan, WORKING) for reading in readings)
    weights = find_weights("yolo26n").file
    request = TrainRequest(
        "yolo26n", plan.names, records, (), str(out), SIDE, 12, 4, 0, shrink=owner.shrink, weights=str(weights)
    )
    onnx = models_zoo.call("train", request).onnx
    looked = tuple(record_of_field(field, WORKING) for field in fields)
    asked = DetectRequest(onnx, looked, str(out / "found.npz"), SIDE, shrink=owner.shrink, min_score=0.1)
    found = models_zoo.call("detect", asked)
    classes = {row.number: row for row in owner.classes.all()}
    suggestions = [
        suggestion
        for field in fields
        for suggestion in suggestions_of(field, one_per_cell(found[str(field.pk)]), plan.numbers, classes, "circle")
    ]
    publish_predictions(project=owner, model_id=1, model_label="t1", fields=fields, suggestions=suggestions)


def accept_all(field: Field) -> Reading:
    reading = open_reading(field=field, actor=None)
    for prediction in Prediction.objects.filter(field=field).select_related("cell_class"):
        accept_prediction(reading=reading, prediction=prediction, actor=None)
    return submit_reading(reading=reading, exhaustive=True, actor=None)


def ratios(field: Field, before: Reading, after: Reading) -> list[tuple[bool, float]]:
    """For each cell that was found again: whether it lies inside the field, and its new radius over the old."""
    new = np.array([cell.points for cell in after.cells.all()], float).reshape(-1, 3)
    answer = []
    for x, y, r in (cell.points for cell in before.cells.all()):
        near = np.flatnonzero(np.hypot(new[:, 0] - x, new[:, 1] - y) < r / 2)
        if len(near):
            inside = r <= x <= field.width - r and r <= y <= field.height - r
            answer.append((inside, float(new[near[0], 2] / r)))
    return answer


def test_a_round_of_accepting_keeps_the_radius_and_cut_cells_become_what_is_seen_of_them(home: Path) -> None:
    """Cells over the border are learned as what the picture shows of them: accepted, they are smaller and inside."""
    owner = rows.project()
    chance = np.random.default_rng(0)
    for _ in range(FIELDS):
        labelled_field(owner, chance)
    predict_after_training(owner, home / "model")
    found: list[tuple[bool, float]] = []
    for field in Field.objects.filter(project=owner).select_related("current_reading"):
        assert field.current_reading is not None
        found += ratios(field, field.current_reading, accept_all(field))
    assert len(found) > 0.8 * Cell.objects.filter(project=owner, provenance="drawn").count()
    inside = [ratio for is_inside, ratio in found if is_inside]
    cut = [ratio for is_inside, ratio in found if not is_inside]
    assert len(inside) > FIELDS
    assert np.mean(inside) == pytest.approx(1, abs=0.02)
    assert 0.6 < np.mean(cut) < np.mean(inside)
    assert Cell.objects.filter(project=owner, provenance="accepted").count() >= len(found)
