"""One whole round on a small part of TXL-PBC: real fields, real networks, and an honest end."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pycocotools.coco import COCO
from pytest_django import Settings

from annotation.models import Cell, Field, Prediction, Project
from learning.actions.rounds import start_round, waiting_run
from learning.models import Deployment, Round
from learning.runner import execute_run
from learning.settings import RoundSettings
from learning.states import RoundState

FIELDS = 60
SETTINGS = RoundSettings(tile=160, epochs=3, student_epochs=2, budget=6, min_cells=10)


def small_part(real_data: Path, folder: Path) -> Path:
    """The first fields of the data set's own training part, as a YOLO data set of its own."""
    source = real_data / "txl-pbc"
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir(parents=True)
    for image in sorted((source / "images" / "train").iterdir())[:FIELDS]:
        shutil.copyfile(image, folder / "images" / "train" / image.name)
        label = f"{image.stem}.txt"
        shutil.copyfile(source / "labels" / "train" / label, folder / "labels" / "train" / label)
    shutil.copyfile(source / "data.yaml", folder / "data.yaml")
    return folder


def command(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer


def play(project: Project) -> Round:
    round_ = start_round(project=project, settings=SETTINGS, actor=None)
    while (run := waiting_run(round_)) is not None:
        execute_run(run, beat=False)
    return round_


@pytest.mark.training
@pytest.mark.realdata
@pytest.mark.django_db
def test_a_round_on_real_fields(real_data: Path, tmp_path: Path, settings: Settings) -> None:
    settings.RUNS_DIR, settings.MODELS_DIR = tmp_path / "runs", tmp_path / "models"
    command("create_project", "Blood", "--ontology", "blood")
    part = small_part(real_data, tmp_path / "part")
    came = command("import_dataset", "blood", str(part), "--oracle", "0.4")
    assert came["images"] == FIELDS
    project = Project.objects.get(key="blood")

    round_ = play(project)

    assert round_.state == RoundState.LABELLING, round_.runs.latest("pk").error
    assert round_.reason
    assert round_.teacher is not None
    assert round_.teacher.metrics["tuning"]["fields"] >= 3
    assert round_.deployed is Deployment.objects.filter(project=project).exists()
    assert round_.batch is not None
    asked = [row.field for row in round_.batch.fields.select_related("field")]
    assert len(asked) == SETTINGS.budget
    assert all(field.split == "training" and field.current_reading_id is None for field in asked)
    assert round_.predictions == Prediction.objects.filter(field__in=asked).count()
    check_exports(project, tmp_path)


def check_exports(project: Project, folder: Path) -> None:
    """What goes out is what other readers see, to the last object."""
    cells = Cell.objects.current().filter(project=project).count()
    fields = Field.objects.filter(project=project).labelled().count()
    for name in ("coco", "voc"):
        out = command("export_dataset", project.key, str(folder / f"{name}.zip"), "--format", name)
        assert (out["images"], out["objects_in"], out["objects_out"]) == (fields, cells, cells)
        zipfile.ZipFile(folder / f"{name}.zip").extractall(folder / name)
    coco = COCO(folder / "coco" / "annotations" / "instances.json")
    assert (len(coco.getImgIds()), len(coco.getAnnIds())) == (fields, cells)
    trees = [ET.parse(path) for path in (folder / "voc" / "Annotations").glob("*.xml")]  # noqa: S314  # our own files
    assert (len(trees), sum(len(tree.findall("object")) for tree in trees)) == (fields, cells)
