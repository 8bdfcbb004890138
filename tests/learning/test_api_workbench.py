"""The page of a field by the API: everything once, by few queries, nothing that is not to be seen."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from annotation.models import Case, Cell, Field, Prediction, Reading, ReadingState, Source
from learning.actions.models import deploy_model
from learning.models import ModelVersion, Run
from tests.annotation.calling import call, cell, opened, save
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def field(cast: Cast) -> Field:
    made = rows.field(cast.project)
    case = Case.objects.create(project=cast.project, code="C1")
    Field.objects.filter(pk=made.pk).update(case=case, original_name="Mustermann, Max.png")
    return Field.objects.select_related("case", "project").get(pk=made.pk)


def deployed(field: Field, label: str = "s1", *, tmp: Any = None) -> ModelVersion:
    model = rows.model(field.project, label)
    model.path.mkdir(parents=True, exist_ok=True)
    model.onnx.write_bytes(b"")
    deploy_model(model=model, reason="better", actor=None)
    return model


def predict(field: Field, model: ModelVersion, number: int = 1) -> list[Prediction]:
    seg = field.project.classes.get(key="seg")
    return [
        Prediction.objects.create(
            field=field, model_id=model.pk, model_label=model.label, cell_class=seg, kind="circle",
            points=[20.0 + 3 * index, 30.0, 8.0], score=0.9, class_scores=[[seg.number, 0.9]],
        )
        for index in range(number)
    ]  # fmt: skip


def workbench(client: Client, field: Field) -> Any:
    return call(client, "get", f"projects/{field.project.key}/fields/{field.code}/workbench/")


def test_everything_at_once(cast: Cast, field: Field) -> None:
    before, after = rows.field(cast.project), rows.field(cast.project)
    model = deployed(field)
    kept, wrong, _ = predict(field, model, 3)
    ana = cast.client("ana")
    number = opened(ana, field)
    accepted = cell(kept.cell_class.number, shape={"kind": "circle", "points": kept.points}, prediction=kept.pk)
    save(ana, number, accepted, {"type": "rejection", "prediction": wrong.pk, "rejected": True})
    told = workbench(ana, field)
    assert told["field"] == {
        "code": field.code,
        "name": f"C1-{field.code}",
        "width": 200,
        "height": 200,
        "um_per_px": None,
        "image": f"/projects/study/fields/{field.code}/picture/?v={field.sha256[:12]}",
        "tiles": None,
        "previous": None,
        "next": f"/projects/study/fields/{before.code}/",
    }
    assert workbench(ana, before)["field"]["next"] == f"/projects/study/fields/{after.code}/"
    assert told["project"] == {"key": "study", "weak_shape": "circle"}
    assert told["model"] == {"id": model.pk, "label": "s1", "threshold": 0.3}
    assert [(row["rejected"], row["cell"]) for row in told["predictions"]] == [
        (False, accepted["uuid"]),
        (True, None),
        (False, None),
    ]
    assert told["reading"] == {
        "id": number, "state": "open", "exhaustive": False, "mine": True, "author": "ana", "source": "drawn",
    }  # fmt: skip
    assert [row["uuid"] for row in told["cells"]] == [accepted["uuid"]]
    assert told["may"] == {"label": True, "review": False, "run": False}
    seg = next(row for row in told["classes"] if row["key"] == "seg")
    assert seg["parent"] in {row["number"] for row in told["classes"]}
    assert set(seg) == {
        "number", "key", "name", "parent", "tier", "lineage", "colour", "line", "hotkey", "counted", "kind",
        "guideline", "retired",
    }  # fmt: skip


def test_no_answer_names_the_file(cast: Cast, field: Field) -> None:
    rows.reading(field, {"seg": 1})
    for who in ("ana", "rui", "lea", "ada", "root"):
        answer = cast.client(who).get(f"/api/projects/study/fields/{field.code}/workbench/")
        assert b"Mustermann" not in answer.content


def test_an_annotator_is_blind(cast: Cast, field: Field) -> None:
    rows.reading(field, {"seg": 3}, source=Source.ORACLE, state=ReadingState.SEALED)
    rui = cast.client("rui")
    save(rui, opened(rui, field), cell(1))
    told = workbench(cast.client("ana"), field)
    assert (told["reading"], told["cells"]) == (None, [])
    current = rows.reading(field, {"seg": 2})
    told = workbench(cast.client("ana"), field)
    assert (told["reading"]["id"], told["reading"]["mine"], len(told["cells"])) == (current.pk, False, 2)
    assert workbench(rui, field)["reading"]["mine"] is True, "one's own open reading comes first"


def test_predictions_of_an_earlier_model_are_named_as_such(cast: Cast, field: Field) -> None:
    earlier = deployed(field, "s1")
    predict(field, earlier)
    later = deployed(field, "s2")
    ana = cast.client("ana")
    assert workbench(ana, field)["model"]["label"] == "s1"
    predict(field, later, 2)
    path = f"projects/study/fields/{field.code}/predictions/"
    told = call(ana, "get", path)
    assert (told["model"]["label"], len(told["predictions"])) == ("s2", 2)


def test_without_a_model_there_is_none(cast: Cast, field: Field) -> None:
    told = workbench(cast.client("lea"), field)
    assert (told["model"], told["predictions"]) == (None, [])
    assert told["may"] == {"label": False, "review": False, "run": True}


def test_predictions_on_demand(cast: Cast, field: Field) -> None:
    deployed(field)
    path = f"projects/study/fields/{field.code}/predict/"
    ana = cast.client("ana")
    run = call(ana, "post", path, status=202)["run"]
    assert call(ana, "post", path, status=202)["run"] == run, "asked twice it is one run"
    told = call(ana, "get", f"runs/{run}/")
    assert (told["state"], told["error"], told["field"], told["round"]) == ("queued", "", field.code, None)
    call(cast.client("otto"), "get", f"runs/{run}/", status=404)
    call(cast.client("otto"), "post", path, status=404)
    assert Run.objects.get().pk == run


def test_a_large_field_takes_few_queries(cast: Cast, field: Field, django_assert_max_num_queries: Any) -> None:
    model = deployed(field)
    predict(field, model, 50)
    rows.reading(field, {"seg": 40})
    ana = cast.client("ana")
    with django_assert_max_num_queries(26):
        assert len(workbench(ana, field)["cells"]) == 40


def test_an_unknown_field_is_not_there(cast: Cast) -> None:
    for code in ("F99999", "x" * 500, "%00", "ü"):
        call(cast.client("ana"), "get", f"projects/study/fields/{code}/workbench/", status=404)
    assert not Cell.objects.exists()
    assert not Reading.objects.exists()
