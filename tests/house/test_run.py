"""`make run` as processes: the whole product starts, works, and ends, whatever is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.supervisor import broker
from config.supervisor.broker import LONGEST_SOCKET, socket_folder
from tests.house.product import Product, wait_until
from tests.house.server import Server, words_of

pytestmark = [pytest.mark.setup, pytest.mark.timed]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.product.end()


def test_first_use_gives_a_login_a_batch_with_predictions_and_a_round_that_survives_its_worker(server: Server) -> None:
    product, first = server.product, server.start()
    server.wait(first)
    assert server.status() == 200
    login = product.folder / "data" / "first-login.txt"
    name, password = login.read_text().split()
    assert stat.S_IMODE(login.stat().st_mode) == 0o600
    assert f"Sign in as {name} with the password {password}" in server.said()
    waiting = product.value(
        "select count(*) from annotation_batchfield b join annotation_batch a on a.id = b.batch_id"
        " where a.opened_at is not null and a.closed_at is null"
    )
    predicted = product.value("select count(distinct field_id) from annotation_prediction where model_label = 's0'")
    assert waiting == predicted == 8
    assert product.value("select count(*) from annotation_field where current_reading_id is not null") == 24

    # The worker is killed while the round trains: the training dies with it, and is taken up by the next one.
    wait_until(lambda: holder(product) and words_of(holder(product)), "the training")
    old = holder(product)
    assert Path(f"/proc/{old}/autogroup").read_text().split()[-1] == "19" or not Path("/proc/1/autogroup").exists()
    assert os.getpriority(os.PRIO_PROCESS, old) == 19
    assert len(os.sched_getaffinity(old)) == max(1, len(os.sched_getaffinity(0)) - 1)
    for process in server.processes("--queues train"):
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: not words_of(old), "the end of the old training", 5)
    wait_until(lambda: product.value("select attempt from learning_run") == 2, "the next attempt", 30)

    # Ctrl-C: nothing is left, and the run waits for the next start.
    wait_until(lambda: words_of(holder(product)), "the training again")
    os.kill(first.pid, signal.SIGINT)
    assert first.wait(timeout=20) == 0, server.said()
    server.wait_for_nothing(1)
    assert product.rows("select state, attempt from learning_run") == [("queued", 2)]
    assert "stopped" in server.said().splitlines()[-1]


def holder(product: Product) -> int:
    worker = product.value("select worker from learning_run where state = 'running'") or ""
    return int(worker.rsplit(":", 2)[1]) if worker else 0


def test_a_second_start_is_refused_and_a_killed_supervisor_leaves_nothing(server: Server) -> None:
    server.product.ask("create_administrator", "somebody")
    first = server.start()
    server.wait(first)
    sockets = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if "redis.sock" in line]
    assert any(server.product.folder in Path(place).parents or "marrowloop-" in place for place in sockets)

    before = server.said()
    second = server.start()
    assert second.wait(timeout=30) == 1
    assert re.search(rf"running already on .* \(process {first.pid}\)", server.said()), server.said()
    server.out.write_text(before)
    assert server.status() == 200

    # The light worker does what the table says, also what a worker that is no more has left.
    leave_work(server.product)
    wait_until(lambda: server.product.value("select state from learning_run") == "succeeded", "the light run", 20)
    taken = "select attempt from annotation_transfer where state in ('succeeded', 'failed')"
    wait_until(lambda: server.product.value(taken) == 2, "the transfer", 20)

    web = masters(server, first.pid)
    assert len(web) == 1
    os.kill(web[0], signal.SIGKILL)
    wait_until(
        lambda: len([p for p in server.processes("gunicorn") if ppid(p) == first.pid and p != web[0]]), "web", 20
    )

    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    server.wait_for_nothing(5)

    # What was killed starts again at once, in spite of what it left.
    again = server.start()
    assert server.wait(again) < 30
    os.kill(again.pid, signal.SIGTERM)
    assert again.wait(timeout=20) == 0
    server.wait_for_nothing(1)


def masters(server: Server, supervisor: int) -> list[int]:
    return [process for process in server.processes("gunicorn") if ppid(process) == supervisor]


def ppid(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def leave_work(product: Product) -> None:
    """Two pieces of work that are quickly done: predictions on no batch, and an export that lost its worker."""
    product.ask("create_project", "empty")
    code = (
        "import django; django.setup()\n"
        "from annotation import lease\n"
        "from annotation.models import Project, Transfer\n"
        "from learning.actions.runs import queue_run\n"
        "from learning.settings import RoundSettings\n"
        "from learning.states import Step\n"
        "project = Project.objects.get(key='empty')\n"
        "queue_run(project=project, step=Step.PREDICT, settings=RoundSettings(), round_=None, actor=None)\n"
        "host = lease.own_name().rsplit(':', 2)[0]\n"
        "Transfer.objects.create(project=project, kind='export', state='running', attempt=1,"
        " worker=f'{host}:999999999:1', settings={'format': 'coco'})\n"
    )
    env = product.env | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", code], cwd=product.checkout, env=env, check=True)


def test_a_port_that_is_taken_is_named_with_what_to_type(server: Server) -> None:
    server.product.ask("create_administrator")
    with socket.socket() as line:
        line.bind(("127.0.0.1", server.port))
        line.listen()
        process = server.start()
        assert process.wait(timeout=30) == 1
    assert re.search(rf"port {server.port}: address already in use. Type: make run MARROWLOOP_PORT=\d+", server.said())
    assert not server.processes()


def test_a_redis_that_does_not_start_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "find_server", lambda: "/bin/false")
    opened = broker.open_broker("", tmp_path, dict(os.environ), lambda: False)
    assert (opened.url, opened.child) == ("filesystem://localhost", None)
    assert broker.open_broker("redis://there", tmp_path, {}, lambda: False).url == "redis://there"


def test_a_socket_never_gets_too_long_a_path(tmp_path: Path) -> None:
    short = socket_folder(tmp_path)
    assert short == tmp_path or len(os.fsencode(tmp_path)) > 90
    deep = tmp_path / ("deep" * 30)
    place = socket_folder(deep)
    assert len(os.fsencode(place / "redis.sock")) <= LONGEST_SOCKET
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert socket_folder(deep) == place, "the same folder at every start: none is left behind"
    place.rmdir()
