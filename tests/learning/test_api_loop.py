"""Rounds, runs and models by the API: started, followed, cancelled, promoted, rolled back, downloaded."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.test import Client

from learning.actions.models import deploy_model
from learning.models import Epoch, ModelVersion, Round, Run
from learning.states import RoundState, RunState, Step
from tests.annotation.calling import call
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def lea(cast: Cast) -> Client:
    return cast.client("lea")


def model(cast: Cast, label: str, *, accepted: bool = True) -> ModelVersion:
    made = rows.model(cast.project, label, accepted=accepted)
    made.path.mkdir(parents=True, exist_ok=True)
    made.onnx.write_bytes(b"onnx")
    return made


def test_a_round_is_started_and_cancelled(cast: Cast, lea: Client) -> None:
    made = call(lea, "post", "projects/study/rounds/", {"budget": 7, "strategy": "random"}, status=201)
    assert (made["number"], made["state"], made["settings"]["budget"]) == (1, "training", 7)
    assert "still" in call(lea, "post", "projects/study/rounds/", {}, status=422)["message"]
    run = call(lea, "get", f"runs/{made['runs'][0]}/")
    assert (run["step"], run["state"], run["round"]) == ("train", "queued", 1)
    assert call(lea, "post", "projects/study/rounds/1/cancel/")["state"] == "cancelled"
    assert "nothing" in call(lea, "post", "projects/study/rounds/1/cancel/", status=422)["message"]
    assert call(lea, "post", "projects/study/rounds/1/retry/")["state"] == "training"
    assert "nothing" in call(lea, "post", "projects/study/rounds/1/close/", status=422)["message"]
    assert call(lea, "get", "projects/study/rounds/?state=training")["count"] == 1
    assert call(cast.client("ana"), "get", "projects/study/rounds/1/")["author"] == "lea"
    call(cast.client("ana"), "post", "projects/study/rounds/", {}, status=403)


def test_a_labelled_round_is_closed(cast: Cast, lea: Client) -> None:
    rows.round_of(cast.project, RoundState.LABELLING)
    assert call(lea, "post", "projects/study/rounds/1/close/")["state"] == "done"


@pytest.mark.parametrize(
    "body",
    [{"tile": 33}, {"budget": 0}, {"teacher": "x"}, {"seed": -1}, {"pseudo": "nan"}, {"epochs": 10**9}, {"unknown": 1}],
)
def test_settings_that_cannot_be_are_named(cast: Cast, lea: Client, body: dict[str, object]) -> None:
    (name,) = body
    assert name in call(lea, "post", "projects/study/rounds/", body, status=400)["faults"]
    assert not Round.objects.exists()


def test_defaults_are_what_a_round_starts_from(cast: Cast, lea: Client) -> None:
    assert call(lea, "put", "projects/study/rounds/defaults/", {"budget": 9})["budget"] == 9
    assert call(cast.client("ana"), "get", "projects/study/rounds/defaults/")["budget"] == 9
    assert call(lea, "post", "projects/study/rounds/", {}, status=201)["settings"]["budget"] == 9


def test_a_run_tells_epochs_and_log(cast: Cast, lea: Client) -> None:
    run = rows.run_of(cast.project, Step.TRAIN, rows.round_of(cast.project), state=RunState.RUNNING)
    Epoch.objects.create(run=run, number=1, attempt=1, losses={"box": 0.5}, seconds=2.0)
    (epoch,) = call(lea, "get", f"runs/{run.pk}/epochs/")["results"]
    assert (epoch["number"], epoch["losses"]) == (1, {"box": 0.5})
    assert call(lea, "get", f"runs/{run.pk}/log/")["text"] == ""
    run.folder.mkdir(parents=True)
    run.log.write_text("begun\nepoch 1\n")
    told = call(lea, "get", f"runs/{run.pk}/log/?of=run&offset=6")
    assert (told["text"], told["size"], told["logs"]) == ("epoch 1\n", 14, ["run"])
    call(lea, "get", f"runs/{run.pk}/log/?of=../../secret_key", status=404)
    call(cast.client("ana"), "get", f"runs/{run.pk}/log/", status=403)
    call(cast.client("otto"), "get", f"runs/{run.pk}/log/", status=404)
    assert call(lea, "get", "projects/study/runs/?step=train&state=running")["count"] == 1
    assert call(lea, "get", "projects/study/runs/?round=2")["count"] == 0


def test_models_are_promoted_and_rolled_back(cast: Cast, lea: Client) -> None:
    first, second = model(cast, "s1"), model(cast, "s2", accepted=False)
    deploy_model(model=first, reason="better", actor=None)
    assert [row["label"] for row in call(lea, "get", "projects/study/models/?kind=student")["results"]] == ["s2", "s1"]
    assert call(lea, "get", "projects/study/models/?accepted=true")["count"] == 1
    path = f"projects/study/models/{second.label}/"
    assert call(lea, "get", path)["card"]["cell_px"] == 40.0
    assert "gate" in call(lea, "post", f"{path}promote/", {"reason": "I looked"}, status=422)["message"]
    made = call(lea, "post", f"{path}promote/", {"reason": "I looked", "knowingly": True}, status=201)
    assert (made["model"], made["author"]) == ("s2", "lea")
    assert call(lea, "post", "projects/study/roll-back/", status=201)["model"] == "s1"
    assert call(lea, "get", "projects/study/deployments/")["count"] == 3
    call(cast.client("rui"), "post", f"{path}promote/", {"reason": "mine"}, status=403)
    call(lea, "get", "projects/study/models/s9/", status=404)


def test_a_model_is_downloaded(cast: Cast, lea: Client) -> None:
    model(cast, "s1")
    answer = lea.get("/api/projects/study/models/s1/download/")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert any(name.endswith("model.onnx") for name in zipfile.ZipFile(io.BytesIO(content)).namelist())
    call(cast.client("ana"), "get", "projects/study/models/s1/download/", status=403)
    assert not Run.objects.exists()
