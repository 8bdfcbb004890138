"""Chores at their time, what may go and what must stay, and how much room there is."""

from __future__ import annotations

import subprocess
import threading
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as config
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from annotation.alone import alone
from annotation.errors import Refused
from annotation.models import Project
from learning import chores
from learning.actions.models import ModelError, deploy_model
from learning.actions.tidying import tidy, tidy_project
from learning.keeping.sizes import sizes_of
from learning.models import Chore, ModelVersion, Run
from learning.states import RoundState, RunState, Step
from tests.cast import Cast
from tests.learning import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
LONG_AGO = timedelta(days=1000)


def trained(project: Project, label: str, **values: Any) -> ModelVersion:
    model = rows.model(project, label, **values)
    model.path.mkdir(parents=True)
    for file in (model.weights, model.onnx, model.path / "card.json", model.path / "train.log"):
        file.write_bytes(b"x" * 1000)
    return model


def left(project: Project) -> list[str]:
    """Labels of the models that still have their weights; each must have its card."""
    models = project.models.order_by("pk")
    assert all((model.path / "card.json").exists() for model in models)
    kept = [model for model in models if model.weights.exists() and model.onnx.exists()]
    assert {model.pk for model in models if model.weights_removed_at is None} == {model.pk for model in kept}
    return [model.label for model in kept]


def grow_old(project: Project) -> None:
    project.models.update(created_at=timezone.now() - LONG_AGO)


def test_what_predicts_its_teacher_and_the_way_back_keep_their_weights(settings: Any) -> None:
    settings.KEEP_MODELS = 1
    project = rows.project()
    teachers = [trained(project, f"t{number}") for number in (1, 2, 3, 4)]
    students = [trained(project, f"s{number}", teacher=teachers[1]) for number in (1, 2)]
    students += [trained(project, f"s{number}", teacher=teachers[2]) for number in (3, 4)]
    for student in students[:3]:
        deploy_model(model=student, reason="", actor=None)
    grow_old(project)
    went = tidy_project(project=project, actor=None)
    # s3 predicts and learned from t3; a roll-back brings s2 back, which learned from t2.
    assert left(project) == ["t2", "t3", "t4", "s2", "s3", "s4"]
    assert sorted(went["models"]) == ["s1", "t1"]
    assert went["bytes"] == 4000
    with pytest.raises(ModelError, match="restore a backup"):
        deploy_model(model=students[0], reason="", actor=None)


def test_refused_models_go_after_their_days_and_those_of_a_working_round_stay(settings: Any) -> None:
    settings.KEEP_MODELS = 0
    project = rows.project()
    for label in ("t1", "t2", "t3"):
        trained(project, label, accepted=False)
    project.models.filter(label__in=["t1", "t2"]).update(created_at=timezone.now() - LONG_AGO)
    in_use = rows.round_of(project, RoundState.RANKING)
    in_use.teacher = project.models.get(label="t2")
    in_use.save()
    tidy()
    assert left(project) == ["t2", "t3"]


def test_a_killed_tidying_is_ended_by_the_next() -> None:
    project = rows.project()
    model = trained(project, "t1", accepted=False)
    project.models.update(weights_removed_at=timezone.now())
    tidy()
    assert not model.weights.exists()


def test_folders_of_ended_attempts_go_and_their_logs_stay() -> None:
    project = rows.project()
    runs = {
        "old": rows.run_of(project, state=RunState.SUCCEEDED, ended_at=timezone.now() - LONG_AGO),
        "new": rows.run_of(project, state=RunState.FAILED, ended_at=timezone.now()),
        "at work": rows.run_of(project, state=RunState.RUNNING),
    }
    for run in runs.values():
        (run.folder / "attempt1").mkdir(parents=True)
        (run.folder / "attempt1" / "tiles.bin").write_bytes(b"x" * 500)
        run.log.write_text("what it did")
    went = tidy_project(project=project, actor=None)
    assert (went["attempts"], went["bytes"]) == (1, 500)
    assert [name for name, run in runs.items() if (run.folder / "attempt1").exists()] == ["new", "at work"]
    assert all(run.log.exists() for run in runs.values())


def test_nothing_goes_while_a_backup_runs() -> None:
    project = rows.project()
    with alone("a backup"), pytest.raises(Refused, match="a backup is under way"):
        tidy_project(project=project, actor=None)


def test_sizes_are_those_on_the_disk(cast: Cast) -> None:
    project = cast.project
    field = rows.picture(rows.field(project))
    trained(project, "t1")
    run = rows.run_of(project)
    run.folder.mkdir(parents=True)
    run.log.write_text("12345")
    sizes = sizes_of(project)
    assert sizes.pictures == (config.IMAGES_DIR / field.file).stat().st_size
    assert (sizes.models, sizes.runs, sizes.transfers) == (4000, 5, 0)
    assert sizes.total == sizes.pictures + 4005
    page = cast.client("ana").get(f"/projects/{project.key}/settings/storage/").content.decode()
    assert "3.9\xa0KB" in page
    assert "Tidy now" not in page
    with pytest.raises(PermissionDenied):
        tidy_project(project=project, actor=cast.lea)
    assert cast.client("ada").post(f"/projects/{project.key}/settings/storage/", follow=True).status_code == 200


MORNING = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.fixture
def only_backup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """The clock, and what the one chore does: print its settings, as a command with --json."""
    told: dict[str, Any] = {"now": MORNING, "at": time(2, 30), "command": ["sizes"]}
    monkeypatch.setattr(timezone, "now", lambda: told["now"])
    monkeypatch.setattr(chores, "chores", lambda: {"backup": (told["at"], told["command"])})
    return told


def test_a_chore_is_done_once_a_day_also_when_it_was_missed(
    only_backup: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = list[str]()
    monkeypatch.setattr(chores, "_perform", lambda name, *_: done.append(name))
    assert chores.take_chore() is False
    only_backup["now"] = MORNING + timedelta(hours=17)
    assert chores.take_chore() is False
    only_backup["now"] = MORNING + timedelta(hours=18)
    assert [chores.take_chore(), chores.take_chore()] == [True, False]
    only_backup["now"] = MORNING + timedelta(days=5)
    assert [chores.take_chore(), chores.take_chore()] == [True, False], "missed days are made up for once"
    only_backup["at"] = time(9, 30)
    assert chores.take_chore() is False
    assert Chore.objects.get().due_at == MORNING + timedelta(days=5, minutes=30)
    only_backup["at"] = None
    only_backup["now"] = MORNING + timedelta(days=50)
    assert chores.take_chore() is False
    assert done == ["backup", "backup"]


def test_a_chore_that_fails_says_why(only_backup: dict[str, Any]) -> None:
    chores.take_chore()
    Chore.objects.update(due_at=MORNING)
    only_backup["command"] = ["restore", "no-such.zip"]
    assert chores.take_chore() is True
    row = Chore.objects.get()
    assert "There is no file" in row.error
    assert row.ended_at is not None


def test_a_chore_ends_with_its_worker(only_backup: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    child = subprocess.Popen(["/bin/sleep", "60"], stdout=-1, stderr=-1, start_new_session=True)
    threading.Timer(0.2, stop.set).start()
    chores._watched(child, stop.is_set)
    assert child.returncode == -15


def test_a_step_that_is_not_ended_is_never_touched() -> None:
    project = rows.project()
    queued = rows.run_of(project, Step.RANK)
    (queued.folder / "attempt1").mkdir(parents=True)
    tidy()
    assert (queued.folder / "attempt1").exists()
    assert Run.objects.get(pk=queued.pk).state == RunState.QUEUED
