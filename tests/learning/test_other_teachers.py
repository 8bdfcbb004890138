"""A small real round whose teacher is no YOLO: it looks by torch, and its student learns from its pseudo-labels."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

import models_zoo
from annotation.models import Project
from learning.actions.handing_out import export_model
from learning.actions.models import ModelError
from learning.actions.rounds import RoundError, start_round, waiting_run
from learning.runner import execute_run
from learning.settings import RoundSettings
from learning.states import RoundState, Step

TEACHER = "unet-tiny"
SETTINGS = RoundSettings(
    teacher=TEACHER, tile=128, epochs=3, student_epochs=1, budget=2, min_cells=10, batch=4, pseudo=0.5, device="cpu"
)


def command(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer


def project_of_generated_fields(folder: Path) -> Project:
    command("generate_fields", str(folder), "--count", "14", "--cases", "7", "--width", "256", "--height", "192")
    command("create_project", "Marrow", "--ontology", "bone_marrow")
    command("import_dataset", "marrow", str(folder), "--oracle", "0.3")
    return Project.objects.get(key="marrow")


@pytest.mark.training
@pytest.mark.django_db
def test_a_round_taught_by_another_family(tmp_path: Path, settings: Settings) -> None:
    settings.RUNS_DIR, settings.MODELS_DIR = tmp_path / "runs", tmp_path / "models"
    project = project_of_generated_fields(tmp_path / "fields")
    round_ = start_round(project=project, settings=SETTINGS, actor=None)
    steps = []
    while (run := waiting_run(round_)) is not None:
        steps.append(run.step)
        execute_run(run, beat=False)

    assert round_.state == RoundState.LABELLING, round_.runs.latest("pk").error
    teacher = round_.teacher
    assert teacher is not None
    assert teacher.variant == TEACHER
    assert teacher.weights.is_file()
    assert not teacher.onnx.exists()
    assert teacher.card["epochs"] == 3
    assert round_.batch is not None
    assert round_.batch.fields.count() == SETTINGS.budget
    with pytest.raises(ModelError, match="has no ONNX file"):
        export_model(model=teacher, out=tmp_path / "out")
    # A map of foreground is never silent: it passes the first gate, and its student learns from what it found.
    assert teacher.accepted
    assert Step.DISTIL in steps
    student = project.models.get(kind="student")
    assert student.onnx.is_file()
    assert student.card["pseudo_labelled_fields"] > 0
    assert student.teacher == teacher


@pytest.mark.django_db
def test_a_network_without_onnx_cannot_be_a_student(tmp_path: Path) -> None:
    command("create_project", "Marrow", "--ontology", "bone_marrow")
    project = Project.objects.get(key="marrow")
    assert TEACHER in models_zoo.names()
    assert TEACHER not in models_zoo.students()
    with pytest.raises(RoundError, match="can teach but not be a student"):
        start_round(project=project, settings=RoundSettings(student=TEACHER), actor=None)
