"""Health, metrics and logs: they tell who watches the server what it needs, and nobody more than that."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django.test import Client, RequestFactory
from django.utils import timezone

from annotation import signs
from annotation.actions.workers import show_sign, take_leave
from annotation.models import Worker
from config import health, logs, metrics
from config.requests import client_address
from learning.states import RunState, Step
from tests.annotation.calling import cell, opened, save
from tests.bucket import KEYS
from tests.cast import Cast
from tests.house.product import wait_until
from tests.learning import rows


@pytest.fixture(autouse=True)
def _look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_kept", None)


def figures(client: Client, **headers: str) -> dict[str, float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    lines = [line.rpartition(" ") for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


@pytest.mark.django_db
def test_ready_means_database_and_tables(settings: Any) -> None:
    told = Client().get("/healthz/ready")
    assert (told.status_code, told.json()["ok"]) == (200, True)
    assert told.json() == {"ok": True, "database": "ok", "migrations": "ok", "broker": "none", "store": "none"}


@pytest.mark.django_db
def test_a_database_that_is_behind_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.health.MigrationExecutor.migration_plan", lambda *_: ["one"])
    told = Client().get("/healthz/ready")
    assert (told.status_code, told.json()["migrations"]) == (503, "behind")
    assert Client().get("/healthz").status_code == 200, "it lives all the same"


@pytest.mark.django_db
def test_without_broker_and_store_people_go_on(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    settings.STORE = {"bucket_name": "b", "location": "", "endpoint_url": "http://127.0.0.1:9"}
    told = Client().get("/healthz/ready")
    assert (told.status_code, told.json()["broker"], told.json()["store"]) == (200, "away", "away")


@pytest.mark.django_db
def test_a_database_that_is_away_is_not_ready_and_gives_no_word_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("password of postgres at 10.0.0.7")

    monkeypatch.setattr(health, "_ask_database", refuse)
    told = Client().get("/healthz/ready")
    assert (told.status_code, told.json()["database"]) == (503, "away")
    assert "10.0.0.7" not in told.content.decode()


def test_metrics_tell_of_saves_runs_and_workers(cast: Cast) -> None:
    run = rows.run_of(cast.project, step=Step.TRAIN, state=RunState.RUNNING)
    run.progress = {"doing": "training", "done": 3, "total": 8}
    run.save()
    rows.run_of(cast.project, step=Step.PREDICT)
    show_sign(["train"])
    Worker.objects.update(seen_at=Now() - timedelta(seconds=30))
    ana = cast.client("ana")
    before = figures(ana)
    save(ana, opened(ana, rows.field(cast.project)), cell(cast.project.classes.get(key="seg").number))
    now = figures(ana)
    assert now["marrowloop_save_seconds_count"] == before["marrowloop_save_seconds_count"] + 1
    asked = 'marrowloop_requests_total{method="POST",status="200",view="api_changes"}'
    assert now[asked] == before.get(asked, 0) + 1
    assert now['marrowloop_runs{state="running",step="train"}'] == 1
    assert now['marrowloop_runs{state="failed",step="rank"}'] == 0
    assert now['marrowloop_waiting{queue="light"}'] == 1
    assert now['marrowloop_waiting{queue="train"}'] == 0
    (silent,) = [value for name, value in now.items() if name.startswith("marrowloop_worker_silent_seconds")]
    assert 30 <= silent < 90
    of_run = f'{{project="{cast.project.key}",run="{run.pk}",step="train"}}'
    assert now[f"marrowloop_training_epoch{of_run}"] == 3
    assert now[f"marrowloop_training_epochs{of_run}"] == 8
    take_leave()
    assert not any(name.startswith("marrowloop_worker_silent") for name in figures(ana))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "sender", "headers", "status"),
    [
        ("", "127.0.0.1", {}, 200),
        ("", "::1", {}, 200),
        ("", "10.0.0.7", {}, 403),
        ("", "127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}, 403),
        ("", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("", "", {}, 403),
        ("right", "10.0.0.7", {"Authorization": "Bearer right"}, 200),
        ("right", "127.0.0.1", {}, 403),
        ("right", "10.0.0.7", {"Authorization": "Bearer wrong"}, 403),
        ("right", "10.0.0.7", {"Authorization": "Bearer "}, 403),
    ],
)
def test_who_reads_the_metrics(settings: Any, token: str, sender: str, headers: dict[str, str], status: int) -> None:
    settings.METRICS_TOKEN = token
    assert Client(REMOTE_ADDR=sender).get("/metrics", headers=headers).status_code == status


@pytest.mark.django_db
def test_an_address_that_is_none_makes_no_figure_of_its_own() -> None:
    for number in range(3):
        Client().get(f"/nowhere/{number}/")
    named = [name for name in figures(Client()) if "nowhere" in name]
    assert named == [], "else whoever guesses addresses fills the memory"


@pytest.mark.django_db(transaction=True)
def test_a_worker_gives_signs_and_takes_its_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    thread = signs.give_signs(["light"], stopping)
    wait_until(lambda: Worker.objects.filter(queues="light").exists(), "the sign", 10)
    stopping.set()
    thread.join(5)
    assert not Worker.objects.exists()


@pytest.mark.django_db
def test_a_worker_that_is_long_gone_is_forgotten() -> None:
    old = timezone.now() - timedelta(days=2)
    Worker.objects.create(name="old:1:1", queues="train", began_at=old, seen_at=old)
    show_sign(["train"])
    show_sign(["train"])
    assert [worker.name == "old:1:1" for worker in Worker.objects.all()] == [False]


def line(record: logging.LogRecord) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(logs.JsonLines().format(record))
    return told


def test_a_request_is_a_line_without_addresses_and_names(
    cast: Cast, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LOG_REQUESTS, settings.PROXIES = True, 1
    with caplog.at_level(logging.INFO, "marrowloop.requests"):
        address = f"/projects/{cast.project.key}/?name=Mustermann"
        answer = cast.client("ana").get(address, headers={"X-Request-ID": "abc-12345"})
    (record,) = [record for record in caplog.records if record.name == "marrowloop.requests"]
    told = line(record)
    assert answer["X-Request-ID"] == "abc-12345"
    assert told["person"] == cast.ana.pk
    assert (told["project"], told["view"], told["status"]) == (cast.project.key, "overview", 200)
    assert "Mustermann" not in json.dumps(told)
    assert "ana" not in json.dumps({name: value for name, value in told.items() if name not in {"logger", "message"}})


def test_a_name_of_a_request_is_taken_from_proxies_of_ours_alone(cast: Cast, settings: Any) -> None:
    for proxies, given, kept in ((0, "abc-12345", False), (1, "abc-12345", True), (1, "a b\n", False)):
        settings.PROXIES = proxies
        answer = cast.client("ana").get("/healthz", headers={"X-Request-ID": given})
        assert (answer["X-Request-ID"] == given) is kept
        assert re.fullmatch(r"[A-Za-z0-9-]+", answer["X-Request-ID"])


def test_an_error_is_told_by_place_not_by_what_it_says() -> None:
    token = logs.about.set({"request": "abc", "project": "study"})
    try:
        health._word(fail)
    except ValueError:
        record = logging.LogRecord("learning", logging.ERROR, "", 0, "a step failed", None, sys.exc_info())
        told = line(record)
    finally:
        logs.about.reset(token)
    assert (told["error"], told["request"], told["project"]) == ("ValueError", "abc", "study")
    assert told["where"][-1].startswith("tests/house/test_observing.py")
    assert "Mustermann" not in json.dumps(told)
    of_django = logging.LogRecord("django.request", logging.WARNING, "", 0, "Not Found: /join/SECRET", None, None)
    of_django.status_code = 404
    assert line(of_django)["message"] == "answered 404"


def fail() -> None:
    raise ValueError("Mustermann, Max.png")


@pytest.mark.parametrize(
    ("proxies", "came", "address"),
    [
        (0, "1.2.3.4", "127.0.0.1"),
        (1, "1.2.3.4", "1.2.3.4"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_sender_is_who_our_own_proxy_saw(settings: Any, proxies: int, came: str, address: str) -> None:
    settings.PROXIES = proxies
    headers = {"X-Forwarded-For": came} if came else {}
    assert client_address(RequestFactory(REMOTE_ADDR="127.0.0.1").get("/", headers=headers)) == address


def test_methods_that_nobody_knows_are_one() -> None:
    metrics.count_request("none", "BREW", 405, 0.001)
    assert metrics.own.get_sample_value(
        "marrowloop_requests_total", {"view": "none", "method": "other", "status": "405"}
    )
