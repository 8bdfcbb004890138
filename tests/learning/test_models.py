"""Models: registered whole or not at all, deployed, rolled back, found by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from annotation.models import Project
from learning.actions.models import (
    ModelError,
    deploy_model,
    deployed_model,
    find_model,
    incumbent_teacher,
    register_model,
    roll_back,
)
from learning.models import ModelKind, ModelVersion
from tests.learning import rows

pytestmark = pytest.mark.django_db

COLUMNS: dict[str, Any] = {
    "variant": "yolo26n",
    "classes": [1],
    "tile": 320,
    "shrink": 0.9,
    "threshold": 0.3,
    "card": {"x": 1},
}


def trained(folder: Path, content: str = "weights") -> Path:
    """What a training leaves behind."""
    (folder / "environment").mkdir(parents=True)
    for name in ("weights.pt", "weights.onnx", "train.log"):
        (folder / name).write_text(f"{content} {name}")
    return folder


def register(project: Project, files: Path, kind: ModelKind = ModelKind.TEACHER) -> ModelVersion:
    return register_model(project=project, kind=kind, files=files, **COLUMNS)


def test_a_model_gets_the_next_label_of_its_kind_and_a_folder_with_its_card(home: Path) -> None:
    project = rows.project()
    first = register(project, trained(home / "a"))
    student = register(project, trained(home / "b", "small"), ModelKind.STUDENT)
    second = register(project, trained(home / "c", "better"))
    assert [model.label for model in (first, student, second)] == ["t1", "s1", "t2"]
    assert first.weights.read_text() == "weights weights.pt"
    assert second.onnx.read_text() == "better weights.onnx"
    assert json.loads((student.path / "card.json").read_text()) == {"x": 1, "label": "s1"}
    assert sorted(path.name for path in first.path.iterdir()) == [
        "card.json",
        "train.log",
        "weights.onnx",
        "weights.pt",
    ]
    assert (home / "a" / "weights.pt").exists(), "the run keeps its own"


def test_a_deleted_model_does_not_pass_its_label_to_one_that_is_there(home: Path) -> None:
    project = rows.project()
    register(project, trained(home / "a"))
    second = register(project, trained(home / "b", "better"))
    ModelVersion.objects.get(label="t1").delete()
    assert register(project, trained(home / "c", "best")).label == "t3"
    assert second.weights.exists()


def test_a_crash_between_the_folder_and_the_row_leaves_room_for_the_next_try(home: Path) -> None:
    project = rows.project()
    files = trained(home / "run")
    with transaction.atomic():
        register(project, files)
        transaction.set_rollback(True)
    assert not ModelVersion.objects.exists()
    assert files.joinpath("weights.pt").exists()
    other = register(project, trained(home / "again", "other"))
    assert other.label == "t1"
    assert other.weights.read_text() == "other weights.pt"
    assert [path.name for path in other.path.parent.iterdir()] == [other.path.name], "the stray folder made way"
    assert register(project, files).label == "t2"


def test_a_crash_while_copying_leaves_no_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = rows.project()
    files = trained(home / "run")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", broken)
        with pytest.raises(OSError, match="gone"), transaction.atomic():
            register(project, files)
    model = register(project, files)
    assert (model.label, model.weights.exists()) == ("t1", True)
    assert len(list(model.path.parent.iterdir())) == 1


def broken(self: Path, target: Path) -> Path:
    raise OSError(f"the disk of {self} and {target} is gone")


def test_the_newest_deployment_predicts_and_rolling_back_returns_to_what_was_before(home: Path) -> None:
    project = rows.project()
    assert deployed_model(project) is None
    with pytest.raises(ModelError, match="no earlier deployment"):
        roll_back(project=project, actor=None)
    first, second = (register(project, trained(home / name, name), ModelKind.STUDENT) for name in "ab")
    deploy_model(model=first, reason="passed", actor=None)
    with pytest.raises(ModelError, match="no earlier deployment"):
        roll_back(project=project, actor=None)
    deploy_model(model=second, reason="passed", actor=None)
    assert deployed_model(project) == second
    back = roll_back(project=project, actor=None)
    assert deployed_model(project) == first
    assert back.reason == "rolled back from s2"
    assert project.deployments.count() == 3, "nothing is erased"
    with pytest.raises(ModelError, match="no earlier deployment"):
        roll_back(project=project, actor=None)
    third = register(project, trained(home / "c", "c"), ModelKind.STUDENT)
    for model in (second, third):
        deploy_model(model=model, reason="promoted by hand", actor=None)
    assert [roll_back(project=project, actor=None).model for _ in range(2)] == [second, first], "further back each time"
    assert deployed_model(rows.project()) is None


def test_a_model_whose_file_is_gone_is_not_deployed(home: Path) -> None:
    project = rows.project()
    model = register(project, trained(home / "a"), ModelKind.STUDENT)
    model.onnx.unlink()
    with pytest.raises(ModelError, match=r"s1 has no weights\.onnx"):
        deploy_model(model=model, reason="", actor=None)


def test_the_incumbent_teacher_is_the_newest_that_passed() -> None:
    project = rows.project()
    assert incumbent_teacher(project) is None
    first = rows.model(project, "t1")
    rows.model(project, "t2", accepted=False)
    rows.model(project, "s1")
    assert incumbent_teacher(project) == first


def test_models_are_found_by_label_id_and_role_and_else_listed(home: Path) -> None:
    project = rows.project()
    with pytest.raises(ModelError, match="none yet: run a round first"):
        find_model(project, "deployed")
    teacher, student = register(project, trained(home / "a")), rows.model(project, "s1")
    ModelVersion.objects.filter(pk=teacher.pk).update(accepted=True)
    deploy_model(model=teacher, reason="by hand", actor=None)
    assert find_model(project, "t1") == teacher
    assert find_model(project, str(student.pk)) == student
    assert find_model(project, "deployed") == find_model(project, "teacher") == teacher
    with pytest.raises(ModelError, match="no model 's9'; it has: t1, s1"):
        find_model(project, "s9")
    with pytest.raises(ModelError):
        find_model(rows.project(), str(student.pk))
