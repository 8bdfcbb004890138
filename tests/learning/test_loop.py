"""The loop for real: two turns on generated fields with trained networks, and what is done with the models."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as config
from django.core.management import call_command
from pytest_django import DjangoDbBlocker

from annotation.actions.projects import create_project
from annotation.models import BatchField, Field, Prediction, Project
from learning.actions.models import deployed_model
from learning.management.commands.run_round import answer_of
from learning.models import ModelVersion, Round
from learning.states import RoundState
from learning.steps.predict import predict_fields
from models_zoo.generator import FieldSettings, SetSettings, generate_set, write_set
from models_zoo.shapes import as_circle
from tests.house.processes import ROOT
from tests.learning.play import begin, play

pytestmark = pytest.mark.training

UM_PER_PX = 0.3
FOLDERS = ("IMAGES_DIR", "SNAPSHOTS_DIR", "RUNS_DIR", "MODELS_DIR", "SCRATCH_DIR", "WEIGHTS_DIR")


@dataclass
class Loop:
    project: Project
    imported: dict[str, Any]
    first: Round
    labelled: dict[str, Any]
    second: Round


def ask(name: str, *arguments: str) -> dict[str, Any]:
    """The answer of a command, called in this process."""
    out = StringIO()
    call_command(name, *arguments, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def loop(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Loop]:
    """Two rounds from the starter weights on fields of one tile; the rows stay for all tests of this file."""
    home = tmp_path_factory.mktemp("home")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        for name in FOLDERS:
            patch.setattr(config, name, home / name.removesuffix("_DIR").lower())
        try:
            yield turn_twice(home)
        finally:
            call_command("flush", interactive=False, verbosity=0)


def turn_twice(home: Path) -> Loop:
    fields = generate_set(20, 5, 10, SetSettings(FieldSettings(128, 128, um_per_px=UM_PER_PX, density=7.0)))
    write_set(home / "set", fields)
    project = create_project(name="loop")
    imported = ask("import_dataset", "loop", str(home / "set"), "--oracle", "0.4")
    settings: dict[str, Any] = {"tile": 128, "epochs": 2, "student_epochs": 1, "batch": 4, "budget": 2, "min_cells": 1}
    first = play(begin(project, **settings))
    labelled = ask("simulate_annotator", "loop")
    return Loop(project, imported, first, labelled, play(begin(project, **settings | {"epochs": 1})))


@pytest.fixture
def model(loop: Loop) -> ModelVersion:
    found = deployed_model(loop.project)
    assert found is not None
    return found


@pytest.mark.django_db
def test_both_rounds_end_with_a_deployed_student_and_predictions_on_the_batch(loop: Loop) -> None:
    for number, round_ in enumerate((loop.first, loop.second), start=1):
        assert round_.state == RoundState.LABELLING, [run.error for run in round_.runs.all()]
        answer = answer_of(round_)
        assert answer["round"] == number
        assert answer["teacher"]["label"] == f"t{number}"
        assert "starter weights" in answer["teacher"]["weights_from"]
        assert answer["student"]["label"] == f"s{number}"
        assert answer["deployed"], answer["reason"]
        assert len(answer["batch"]) == 2
        assert set(answer["batch"][0]) == {"field", "score", "reason"}
        assert answer["predictions"] > 0
        assert all(answer["seconds"][step] > 0 for step in ("train", "rank", "distil", "predict"))


@pytest.mark.django_db
def test_predictions_lie_on_the_fields_of_the_batch(loop: Loop) -> None:
    assert loop.first.batch is not None
    rows = Prediction.objects.filter(field__batch_fields__batch=loop.first.batch, model_label="s1")
    assert rows.count() == loop.first.predictions
    for row in rows.select_related("field"):
        assert row.kind == "circle"
        x, y, radius = row.points
        assert 0 <= x <= row.field.width
        assert 0 <= y <= row.field.height
        assert 0 < radius < 128
        assert 0.1 <= row.score <= 1


@pytest.mark.django_db
def test_what_the_annotator_labelled_is_learned_in_the_next_round(loop: Loop) -> None:
    assert loop.labelled["fields"] == 2
    assert loop.labelled["cells"] > 0
    assert loop.labelled["without_oracle_labels"] == []
    first, second = (
        ModelVersion.objects.get(project=loop.project, label=label).card["labelled"] for label in ("t1", "t2")
    )
    assert second["training"] == first["training"] + 2
    assert second["tuning"] == first["tuning"] > 0
    assert Field.objects.filter(project=loop.project).count() == loop.imported["images"] == 20
    asked = BatchField.objects.filter(batch__project=loop.project).values_list("field_id", flat=True)
    assert len(set(asked)) == 4, "what is labelled is not asked for again"


@pytest.mark.django_db
def test_commands_measure_and_predict(loop: Loop, model: ModelVersion) -> None:
    measured = ask("evaluate", "loop", "deployed", "--split", "test")
    assert measured["model"] == model.label
    keys = {"ap50", "f1", "precision", "recall", "found", "threshold", "per_class", "confusion", "calibration"}
    assert keys | {"intervals", "fields", "cases", "objects", "detections", "match"} <= set(measured)
    assert measured["ap50"] == pytest.approx(model.metrics["test"]["ap50"], abs=1e-6), "as when it was judged"
    centre = ask("evaluate", "loop", "teacher", "--match", "centre", "--distance-px", "6", "--split", "all")
    assert centre["match"]["kind"] == "centre"
    before = Prediction.objects.filter(model_id=model.pk).count()
    left = Field.objects.filter(project=loop.project).unlabelled().count()
    predicted = ask("predict", "loop")
    assert set(predicted) == {"model", "fields", "predictions", "shown", "threshold", "seconds"}
    assert (predicted["model"], predicted["fields"]) == (model.label, left)
    assert Prediction.objects.filter(model_id=model.pk).count() == before + predicted["predictions"]
    assert ask("predict", "loop")["predictions"] == 0, "predictions never change"


@pytest.mark.django_db
def test_an_exported_model_runs_by_itself_and_finds_what_the_product_finds(
    loop: Loop, model: ModelVersion, tmp_path: Path
) -> None:
    out = tmp_path / "handed-out"
    answer = ask("export_model", "loop", model.label, str(out))
    assert answer["files"] == ["card.json", "classes.json", "model.onnx", "run_model.py"]
    assert answer["sha256"] == hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest()
    field = Field.objects.filter(project=loop.project, split="test").order_by("pk")[0]
    picture = config.IMAGES_DIR / field.file
    script = [sys.executable, str(out / "run_model.py"), str(picture), str(UM_PER_PX)]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    theirs = np.array([as_circle(np.array(line[2:], float)) for line in lines]).reshape(-1, 3)
    suggestions = predict_fields(model, [field], tmp_path / "found.npz", "cpu").suggestions
    ours = [item for item in suggestions if item.score >= model.threshold]
    assert ours
    for item in ours:
        distances = np.abs(theirs - np.array(item.shape.points)).max(1)
        nearest = int(distances.argmin())
        assert distances[nearest] < 1
        assert lines[nearest][0] == item.cell_class.key
        assert float(lines[nearest][1]) == pytest.approx(item.score, abs=0.01)
    assert len(lines) - len(ours) <= len(lines) / 3, "the product also drops a second box on one cell"


@pytest.mark.django_db
def test_a_training_can_be_repeated_from_its_request_without_a_server(loop: Loop) -> None:
    run = loop.second.runs.get(step="train")
    teacher = ModelVersion.objects.get(project=loop.project, label="t2")
    request = run.folder / "attempt1" / "model" / "request.json"
    known = teacher.onnx.read_bytes()
    again = [sys.executable, "-m", "models_zoo", "train", str(request)]
    done = subprocess.run(again, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["epochs"] == teacher.card["epochs"]
    assert Path(result["onnx"]).read_bytes() == known, "the same request gives the same network"
    assert hashlib.sha256(teacher.weights.read_bytes()).hexdigest() == teacher.sha256, "the model itself is untouched"
