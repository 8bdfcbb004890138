"""All that can be killed is killed, for real: the work ends as if nothing had been, and nothing is done twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import kill
from benchmarks.installation import Installation, NotReachedError
from tests.house.product import wait_until
from tests.house.server import words_of
from tests.house.test_watch import toy_points

pytestmark = [pytest.mark.setup, pytest.mark.early]

EPOCHS, STUDENT_EPOCHS = 8, 2
ROUND = {**kill.ROUND, "epochs": EPOCHS, "student_epochs": STUDENT_EPOCHS}
TRAIN = "select {} from learning_run where step = 'train'"
PART = 100_000


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The whole product at work, with a project of toy fields and a person with a token."""
    folder = tmp_path_factory.mktemp("kills")
    made = Installation(folder / "home")
    made.command("create_administrator", "keeper")
    made.command("create_project", kill.KEY)
    made.command("import_dataset", kill.KEY, str(toy_points(folder / "toys")), "--radius-px", "12", "--oracle", "0.4")
    made.start()
    made.wait()
    yield made
    made.kill_all()


@pytest.fixture(scope="module")
def token(at: Installation) -> str:
    return str(json.loads(at.python("-c", kill.SEED))["token"])


def found(at: Installation, words: str) -> list[int]:
    return [process for process in at.processes() if words in words_of(process)]


def end(processes: list[int]) -> None:
    assert processes
    for process in processes:
        os.kill(process, signal.SIGKILL)


def wait_for_epoch_of(at: Installation, attempt: int) -> None:
    """Until this attempt has finished an epoch of its own."""
    query = f"select count(*) from learning_epoch where attempt = {attempt}"  # noqa: S608
    wait_until(lambda: at.value(query), f"an epoch of attempt {attempt}")
    assert at.value("select count(*) from learning_epoch") < EPOCHS, "it was over before it could be broken"


def start_round(at: Installation, token: str) -> None:
    def begun() -> bool:
        try:
            return bool(at.ask("POST", f"projects/{kill.KEY}/rounds/", token, ROUND)["number"])
        except NotReachedError:
            return False

    wait_until(begun, "a round that begins", 60)


def test_a_round_outlives_worker_broker_supervisor_and_all_of_them_at_once(at: Installation, token: str) -> None:
    start_round(at, token)
    wait_for_epoch_of(at, 1)
    end(found(at, "--queues train"))

    # The worker and the broker, whose data are deleted as well.
    wait_for_epoch_of(at, 2)
    redis = found(at, "redis-server") or found(at, "valkey-server")
    end([*found(at, "--queues train"), *redis])
    shutil.rmtree(at.home / "redis")

    # The supervisor: nothing is left, the training least of all.
    wait_for_epoch_of(at, 3)
    training = found(at, "execute_run")
    assert training
    end(found(at, "config.supervisor"))
    wait_until(lambda: not at.processes(), "the end of all that the supervisor started", 20)
    at.start()
    at.wait()

    # All at once, as in a power cut.
    wait_for_epoch_of(at, 4)
    assert at.kill_all() > len(training)
    at.start()
    at.wait()
    wait_until(lambda: at.value("select state from learning_round") == "labelling", "the end of the round")

    runs = at.rows("select step, state, attempt, deaths from learning_run where round_id is not null order by id")
    assert runs[0] == ("train", "succeeded", 5, 0)
    assert {state for _, state, _, _ in runs} == {"succeeded"}
    epochs = at.rows(
        "select r.step, e.number from learning_epoch e join learning_run r on r.id = e.run_id order by 1, 2"
    )
    expected = [("train", number) for number in range(1, EPOCHS + 1)]
    if at.value("select count(*) from learning_run where step = 'distil'"):
        expected = [("distil", number) for number in range(1, STUDENT_EPOCHS + 1)] + expected
    assert epochs == expected
    assert {what: count for what, count in kill.steps_twice(at).items() if count} == {}
    left = list((at.home / "runs" / "1").glob("attempt*/model/tiles"))
    assert left == [], "the tiles of broken attempts are removed"


def test_an_upload_outlives_the_web_process(at: Installation, token: str) -> None:
    data = os.urandom(3 * PART)
    content = b"\x89PNG\r\n\x1a\n" + data
    offered = {"files": [{"name": "field.png", "size": len(content)}]}
    upload = at.ask("POST", f"projects/{kill.KEY}/uploads/", token, offered)
    transfer = upload["id"]
    files = f"projects/{kill.KEY}/transfers/{transfer}/files/"
    file = f"{files}{at.ask('POST', files, token, offered)['files'][0]['uuid']}/"
    assert send(at, token, file, 0, content[:PART])["received"] == PART

    # Half of a part is on its way when the web process is killed.
    with socket.create_connection(("127.0.0.1", at.port), 10) as line:
        head = f"PUT /api/{file}?offset={PART} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        head += f"Content-Type: application/octet-stream\r\nContent-Length: {PART}\r\n\r\n"
        line.sendall(head.encode() + content[PART : PART + PART // 2])
        end(found(at, "gunicorn"))
    wait_until(at.is_up, "the pages again", 120)

    there = int(at.value(f"select received from annotation_upload where transfer_id = {transfer}"))  # noqa: S608
    assert there == PART, "only what was answered counts"
    while there < len(content):
        there = send(at, token, file, there, content[there : there + PART])["received"]
    (kept,) = (at.home / "transfers" / str(transfer) / "files").iterdir()
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == hashlib.sha256(content).hexdigest()


def send(at: Installation, token: str, file: str, offset: int, data: bytes) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    address = f"http://127.0.0.1:{at.port}/api/{file}?offset={offset}"
    with urllib.request.urlopen(urllib.request.Request(address, data, headers, method="PUT"), timeout=60) as answer:
        said: dict[str, Any] = json.loads(answer.read())
        return said
