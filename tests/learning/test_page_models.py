"""Pages of models: the list, the card, promoting, rolling back, downloading; and what each role may."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from annotation.models import Snapshot
from learning.actions.models import deploy_model, deployed_model
from learning.actions.promoting import promote_model
from learning.figures import reports
from learning.models import ModelVersion
from tests.cast import Cast
from tests.learning import findings, rows
from tests.learning.findings import Script

pytestmark = pytest.mark.django_db

BASE = "/projects/study/models/"


@pytest.fixture
def study(cast: Cast, home: Path) -> Cast:
    """Two students: s1 predicts, s2 was refused; t1 taught them."""
    findings.fields(cast.project, ["training", "tuning", "tuning", "test"])
    teacher = findings.model(cast.project, "t1")
    snapshot = Snapshot.objects.create(
        project=cast.project,
        sha256="a" * 64,
        purpose="training",
        counts={"fields": 4, "fields_training": 1, "cells": 32},
    )
    first = findings.model(cast.project, "s1", teacher=teacher, snapshot=snapshot)
    tuning = cast.project.fields.filter(split="tuning").first()
    assert tuning is not None
    gate = {"passed": False, "reason": "refused: AP50 -0.050 against s1 on 12 cases", "evidence": {"fields": 2}}
    findings.model(cast.project, "s2", {tuning.pk: Script(missed=[0, 1], taken={2: 0.8})}, accepted=False, gate=gate)
    deploy_model(model=first, reason="passed", actor=None)
    return cast


def named(cast: Cast, label: str) -> ModelVersion:
    return ModelVersion.objects.get(project=cast.project, label=label)


@pytest.mark.parametrize("who", ["ana", "rui", "lea", "ada", "root"])
def test_all_members_see_models_and_only_who_runs_may_change_them(study: Cast, who: str) -> None:
    client = study.client(who)
    may = who in ("lea", "ada", "root")
    for page in ("", "s1/", "s2/?split=test", "s1/errors/", "compare/"):
        answer = client.get(BASE + page)
        assert answer.status_code == 200, page
        assert ("Promote" in answer.content.decode()) is (may and page in ("", "s2/?split=test")), page
    for page in ("s2/promote/", "roll-back/", "s1/download/"):
        answer = client.get(BASE + page)
        answer.getvalue()  # which closes what a download reads from
        assert answer.status_code == (200 if may else 403), page
    if not may:
        assert client.post(BASE + "s2/promote/", {"reason": "mine", "knowingly": "yes"}).status_code == 403
        assert client.post(BASE + "roll-back/").status_code == 403
        assert deployed_model(study.project) == named(study, "s1")


def test_outsiders_learn_nothing(study: Cast) -> None:
    for page in ("", "s1/", "s1/errors/", "compare/", "s1/download/", "s2/promote/", "s1/errors/found/0.jpg"):
        assert study.client("otto").get(BASE + page).status_code == 404
        assert study.client("nobody").get(BASE + page).status_code == 302


def test_the_list_says_what_each_model_is_worth(study: Cast) -> None:
    text = study.client("ana").get(BASE).content.decode()
    assert "predicts now" in text
    assert "refused" in text
    assert "only 2 cases" in text
    assert f"{named(study, 's2').metrics['tuning']['ap50']:.3f}" in text
    students = study.client("ana").get(BASE + "?kind=student").content.decode()
    assert "/models/t1/errors/" not in students
    assert "/models/s1/errors/" in students


def test_a_project_without_models_says_what_makes_them(cast: Cast) -> None:
    text = cast.client("lea").get(BASE).content.decode()
    assert "No models yet" in text
    assert "/rounds/new/" in text
    assert "/rounds/new/" not in cast.client("ana").get(BASE).content.decode()
    assert "It takes two models" in cast.client("ana").get(BASE + "compare/").content.decode()


def test_the_list_asks_as_often_for_many_models_as_for_few(
    study: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3, 40):
        rows.model(study.project, f"s{number}")
    client = study.client("ana")
    with django_assert_max_num_queries(14):
        assert client.get(BASE).status_code == 200
    with django_assert_max_num_queries(14):
        assert client.get(BASE + "s1/").status_code == 200


@pytest.mark.parametrize(
    "query",
    ["?page=x", "?page=-1", "?page=9999", "?kind=nothing", "?split=nowhere", "?sort=--", "?sort=-name", "?curve=none"],
)
def test_no_address_is_an_error(study: Cast, query: str) -> None:
    for page in ("", "s1/"):
        assert study.client("ana").get(BASE + page + query).status_code == 200
    for gone in ("s9/", "%00/", "s1%00/errors/", "-/promote/"):
        assert study.client("lea").get(BASE + gone).status_code == 404


def test_a_card_tells_verdict_figures_and_where_errors_are(study: Cast) -> None:
    text = study.client("ana").get(BASE + "s2/").content.decode()
    assert "Refused" in text or "refused" in text
    assert "against s1" in text or "lower by" in text
    assert "too few to tell" in text
    assert "kind=missed&amp;truth=seg" in text
    assert "kind=confused&amp;truth=seg&amp;found=myc" in text
    assert "flatters" in text
    assert "Test is only reported" in study.client("ana").get(BASE + "s2/?split=test").content.decode()


def test_a_model_of_older_code_is_readable(study: Cast) -> None:
    old = rows.model(
        study.project,
        "t2",
        metrics={
            "tuning": {
                "ap50": 0.5,
                "f1": 0.4,
                "precision": None,
                "recall": 0.2,
                "threshold": 0.3,
                "fields": 3,
                "cases": 3,
                "objects": 10,
                "detections": 4,
                "per_class": {"cell": {"truths": 10, "ap50": 0.5}},
            }
        },
    )
    text = study.client("ana").get(BASE + "t2/").content.decode()
    assert text.count("ot measured at that time") == 3
    assert "n/a" in text
    assert "was not kept" in study.client("ana").get(BASE + "t2/errors/").content.decode()
    bare = ModelVersion.objects.get(pk=old.pk)
    bare.card, bare.metrics = {}, {}
    bare.save()
    assert "Not measured on tuning" in study.client("ana").get(BASE + "t2/").content.decode()


def test_the_table_is_sorted_by_what_is_asked_for(study: Cast) -> None:
    report = {
        "per_class": {
            "a": {"truths": 5, "ap50": 0.2, "precision": None},
            "b": {"truths": 9, "ap50": 0.1, "precision": 0.5},
        }
    }

    def keys(sort: str) -> list[str]:
        table = reports.table(report, {"a": "Zebra"}, sort)
        assert table is not None
        return [row.key for row in table.rows]

    assert keys("") == keys("nonsense") == ["b", "a"], "those with most cells first"
    assert keys("-ap50") == ["a", "b"]
    assert keys("ap50") == ["b", "a"]
    assert keys("name") == ["b", "a"]
    assert keys("precision") == keys("-precision") == ["b", "a"], "what is not known stands last"


def test_promoting_takes_a_reason_and_records_who(study: Cast) -> None:
    client = study.client("lea")
    third = findings.model(study.project, "s3")
    refused = client.post(BASE + "s3/promote/", {"reason": "  "})
    assert refused.status_code == 422
    assert "Say why" in refused.content.decode()
    assert client.post(BASE + "s3/promote/", {"reason": "looks better to us"}).status_code == 302
    assert deployed_model(study.project) == third
    last = study.project.deployments.last()
    assert last is not None
    assert (last.author, last.reason) == (study.lea, "looks better to us")
    again = client.post(BASE + "s3/promote/", {"reason": "once more"})
    assert again.status_code == 422
    assert "predicts already" in again.content.decode()
    assert 'name="seen" value="s3"' in client.get(BASE + "roll-back/").content.decode()
    assert client.post(BASE + "roll-back/", {"seen": "s3"}).status_code == 302
    assert deployed_model(study.project) == named(study, "s1")
    assert "predicts again" in client.get(BASE).content.decode()
    client.post(BASE + "roll-back/", {"seen": "s3"})
    assert deployed_model(study.project) == named(study, "s1"), "a second click goes no further back"
    assert "predicts by now" in client.get(BASE).content.decode()


def test_what_a_gate_refused_is_promoted_only_knowingly(study: Cast) -> None:
    client = study.client("ada")
    refused = client.post(BASE + "s2/promote/", {"reason": "<b>rare cells</b>"})
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "did not pass its gate" in text
    assert "&lt;b&gt;rare cells" in text, "what was typed stays"
    assert deployed_model(study.project) == named(study, "s1")
    client.post(BASE + "s2/promote/", {"reason": "r" * 400, "knowingly": "yes"})
    last = study.project.deployments.last()
    assert last is not None
    assert last.model == named(study, "s2")
    assert last.reason.endswith("(against its gate, knowingly)")
    assert len(last.reason) <= 300


def test_nothing_to_go_back_to_is_said(study: Cast) -> None:
    answer = study.client("lea").post(BASE + "roll-back/", follow=True)
    assert "no earlier deployment" in answer.content.decode()


def test_a_model_whose_file_is_gone_is_neither_promoted_nor_downloaded(study: Cast) -> None:
    third = findings.model(study.project, "s3")
    third.onnx.unlink()
    client = study.client("lea")
    answer = client.post(BASE + "s3/promote/", {"reason": "try"})
    assert answer.status_code == 422
    assert "no weights.onnx" in answer.content.decode()
    assert client.get(BASE + "s3/download/").status_code == 404
    assert "file gone" in client.get(BASE).content.decode()


def test_the_download_is_the_model_with_its_card(study: Cast) -> None:
    answer = study.client("lea").get(BASE + "s1/download/")
    content = answer.getvalue()
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert sorted(packed.namelist()) == [
            f"study-s1/{name}" for name in ("card.json", "classes.json", "model.onnx", "run_model.py")
        ]
        assert packed.read("study-s1/model.onnx") == b"onnx of s1"
        assert json.loads(packed.read("study-s1/card.json"))["label"] == "s1"


def test_the_action_asks_for_the_right_itself(study: Cast) -> None:
    from django.core.exceptions import PermissionDenied

    with pytest.raises(PermissionDenied):
        promote_model(model=named(study, "s2"), reason="me", knowingly=True, actor=study.ana)
