"""Predict on this field now: asked for at the workbench, done by the light lane."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from annotation import lanes
from annotation.actions.predictions import delete_predictions
from annotation.models import Cell, Event, Field, Prediction, Project, Source
from learning import tasks
from learning.actions.models import ModelError
from learning.actions.predicting import predict_field
from learning.actions.runs import claim_run, end_run
from learning.models import ModelVersion, Run
from learning.states import RunState
from tests.annotation.calling import call
from tests.cast import make_cast
from tests.learning import rows
from tests.learning.play import begin, play
from tests.learning.zoo import FakeZoo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo")]


def deployed(project: Project, label: str = "s1") -> ModelVersion:
    """A student that finds every cell, deployed."""
    model = rows.model(project, label, card=CARD)
    model.path.mkdir(parents=True)
    for file in (model.onnx, model.weights):
        file.write_text(json.dumps({"skill": "good", "classes": ["cell"], "number": 1}))
    model.deployments.create(project=project, reason="for this test")
    return model


def suggest(field: Field, model: ModelVersion, count: int) -> None:
    kind = field.project.classes.get(key="seg")
    for number in range(count):
        place = {"kind": "circle", "points": [20.0 + 30 * number, 40.0, 10.0]}
        of = {"field": field, "model_id": model.pk, "model_label": model.label}
        Prediction.objects.create(**of, **place, cell_class=kind, score=0.8)


CARD = {
    "classes": ["cell"],
    "class_map": {"1": 0},
    "cell_px": 40.0,
    "median_px": None,
    "fill_px": 320,
    "weak_shape": "circle",
}


def field_of(project: Project) -> Field:
    found = Field.objects.filter(project=project).pool().first()
    assert found is not None
    return found


def test_a_field_is_predicted_once_and_asked_again_it_is_there() -> None:
    project = rows.study()
    deployed(project)
    field = field_of(project)
    run = predict_field(field=field, actor=None)
    assert (run.state, run.field, run.round) == (RunState.QUEUED, field, None)
    assert predict_field(field=field, actor=None) == run, "a second click finds the first one's run"
    assert tasks.take_field()
    run.refresh_from_db()
    assert (run.state, run.error) == (RunState.SUCCEEDED, "")
    assert run.result["predictions"] == 8 == Prediction.objects.filter(field=field, model_label="s1").count()
    assert predict_field(field=field, actor=None) == run
    assert not tasks.take_field()


def test_one_call_deletes_what_a_model_suggests_and_nothing_that_a_person_has_worked_on() -> None:
    study = make_cast()
    project = study.project
    old, new = deployed(project), deployed(project, "s2")
    bare, begun = rows.picture(rows.field(project)), rows.picture(rows.field(project))
    for field in (bare, begun):
        suggest(field, old, 3)
        suggest(field, new, 2)
    rows.reading(begun, {"seg": 4}, source=Source.DRAWN)
    cells = list(Cell.objects.order_by("pk").values())
    for who in ("ana", "rui"):
        call(study.client(who), "delete", "projects/study/models/s1/predictions/", status=403)
    answer = call(study.client("lea"), "delete", "projects/study/models/s1/predictions/")
    assert answer == {"deleted": 3, "kept": 3}
    assert Prediction.objects.filter(field=bare).values_list("model_label", flat=True).distinct().get() == "s2"
    assert Prediction.objects.filter(field=begun, model_label="s1").count() == 3
    assert list(Cell.objects.order_by("pk").values()) == cells
    event = Event.objects.get(verb="predictions_deleted")
    assert (event.actor, event.after) == (study.lea, {"model": "s1", "deleted": 3, "kept": 3})
    assert call(study.client("lea"), "delete", "projects/study/models/s1/predictions/") == {"deleted": 0, "kept": 3}
    assert Event.objects.filter(verb="predictions_deleted").count() == 1, "nothing was done the second time"


def test_a_page_asks_before_it_deletes_the_predictions_of_a_model() -> None:
    study = make_cast()
    suggest(rows.picture(rows.field(study.project)), deployed(study.project), 3)
    lea, path = study.client("lea"), "/projects/study/models/s1/predictions/"
    assert "3 predictions on fields that nobody has begun to read" in " ".join(lea.get(path).content.decode().split())
    assert Prediction.objects.count() == 3
    assert lea.post(path).status_code == 302
    assert not Prediction.objects.exists()
    assert "there is no prediction of s1" in lea.get(path).content.decode()


def test_the_command_deletes_the_predictions_of_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    study = make_cast()
    suggest(rows.picture(rows.field(study.project)), deployed(study.project), 3)
    call_command("delete_predictions", "study", "s1", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"model": "s1", "deleted": 3, "kept": 0}
    assert not Prediction.objects.exists()


def test_what_was_deleted_is_predicted_anew() -> None:
    project = rows.study()
    model = deployed(project)
    field = field_of(project)
    first = predict_field(field=field, actor=None)
    assert tasks.take_field()
    done = delete_predictions(project=project, model_id=model.pk, model_label=model.label, actor=None)
    assert (done.deleted, done.kept) == (8, 0)
    again = predict_field(field=field, actor=None)
    assert again != first
    assert tasks.take_field()
    assert Prediction.objects.filter(field=field).count() == 8


def test_predictions_of_a_round_count_and_a_new_student_looks_again() -> None:
    project = rows.study()
    round_ = play(begin(project))
    assert round_.batch is not None
    field = round_.batch.fields.all()[0].field
    run = predict_field(field=field, actor=None)
    assert run.state == RunState.SUCCEEDED
    assert (run.result["model"], run.result["predictions"]) == ("s1", 8)
    deployed(project, "s9")
    assert predict_field(field=field, actor=None).state == RunState.QUEUED


def test_a_field_without_a_cell_is_not_looked_at_for_ever(zoo: FakeZoo) -> None:
    project = rows.study()
    model = deployed(project)
    model.onnx.write_text(json.dumps({"skill": "silent", "classes": ["cell"], "number": 1}))
    run = predict_field(field=field_of(project), actor=None)
    assert tasks.take_field()
    run.refresh_from_db()
    assert run.result["predictions"] == 0
    assert predict_field(field=field_of(project), actor=None) == run


def test_one_that_failed_is_asked_anew() -> None:
    project = rows.study()
    deployed(project)
    field = field_of(project)
    run = predict_field(field=field, actor=None)
    assert claim_run(run)
    assert end_run(run, RunState.FAILED, error="broken")
    assert predict_field(field=field, actor=None) != run


def test_without_a_student_or_starter_weights_it_is_refused_in_words() -> None:
    project = rows.study()
    with pytest.raises(ModelError, match=r"No model predicts in .* yet: an engineer must run a round first"):
        predict_field(field=field_of(project), actor=None)
    assert not Run.objects.exists()


def test_who_labels_or_runs_may_ask_and_an_outsider_may_not() -> None:
    cast = make_cast()
    project = rows.study()
    project.memberships.create(user=cast.ana, role="annotator")
    project.memberships.create(user=cast.lea, role="engineer")
    deployed(project)
    field = field_of(project)
    with pytest.raises(PermissionDenied):
        predict_field(field=field, actor=cast.otto)
    asked = {predict_field(field=field, actor=actor).pk for actor in (cast.ana, cast.lea, cast.root)}
    assert len(asked) == 1


def test_the_wake_up_is_sent_after_the_commit_and_a_broker_that_is_down_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    from celery import current_app

    project = rows.study()
    deployed(project)
    sent: list[str] = []

    def send(task: str, **_: object) -> None:
        sent.append(task)
        raise OSError("nobody listens")

    monkeypatch.setattr(lanes, "_has_broker", lambda: True)
    monkeypatch.setattr(current_app, "send_task", send)
    with django_capture_on_commit_callbacks(execute=True):
        run = predict_field(field=field_of(project), actor=None)
        assert sent == []
    assert sent == ["learning.tasks.predict_field"]
    assert run.state == RunState.QUEUED
