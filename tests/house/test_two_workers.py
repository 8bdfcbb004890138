"""Workers as processes on PostgreSQL and a Redis over TCP: one of two is killed, one finds no Redis."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis

from benchmarks.installation import Installation, free_port
from config.supervisor.__main__ import worker
from tests.house.processes import ROOT
from tests.house.product import wait_until
from tests.house.server import words_of
from tests.house.test_watch import toy_points
from tests.postgres import postgres
from tests.redis import redis

pytestmark = [pytest.mark.setup, pytest.mark.early]

EPOCHS = 2
# A training for each project, asked for in one go: their messages are all on the way before a worker has begun.
QUEUE = f"""
import django
django.setup()
from annotation.models import Project
from learning.actions.runs import queue_run
from learning.settings import RoundSettings
from learning.states import Step
settings = RoundSettings(
    teacher="yolo26n", tile=96, epochs={EPOCHS}, batch=4, min_cells=1, device="cpu"
)
for project in Project.objects.order_by("pk"):
    queue_run(project=project, step=Step.TRAIN, settings=settings, round_=None, actor=None)
"""
LOOK = """
import django, json
django.setup()
from learning.models import Epoch, Run
rows = Run.objects.order_by("pk").values_list("pk", "state", "attempt", "worker", "progress", "device")
moves = {run.pk: list(run.transitions.values_list("new", flat=True)) for run in Run.objects.all()}
epochs = list(Epoch.objects.order_by("run", "number").values_list("run", "number"))
print(json.dumps({"runs": list(rows), "moves": moves, "epochs": epochs}))
"""
PREDICT = """
import django
django.setup()
from annotation.models import Project
from learning.actions.runs import queue_run
from learning.settings import RoundSettings
from learning.states import Step
project = Project.objects.order_by("pk").first()
queue_run(project=project, step=Step.PREDICT, settings=RoundSettings(), round_=None, actor=None)
"""


@dataclass
class Host:
    """One data folder, one database, one Redis; workers are started by hand."""

    at: Installation

    def look(self) -> Any:
        return json.loads(self.at.python("-c", LOOK))

    def states(self) -> list[str]:
        """Of all runs; asked again and again, it takes no time from those who work."""
        with psycopg.connect(self.at.more["DATABASE_URL"]) as line:
            return [state for (state,) in line.execute("select state from learning_run").fetchall()]

    @contextmanager
    def worker(self, queue: str, name: str, broker: str) -> Iterator[subprocess.Popen[bytes]]:
        log = self.at.home.with_name(f"{name}.log")
        with log.open("wb") as stream:
            process = subprocess.Popen(
                list(worker(queue, 1, broker, name)),
                cwd=ROOT,
                env=self.at.env | {"REDIS_URL": broker},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with postgres() as database, redis() as broker:
        at = Installation(tmp_path / "home", more={"DATABASE_URL": database, "REDIS_URL": broker})
        yield Host(at)
        at.kill_all()


def test_of_two_workers_one_is_killed_and_the_other_does_what_it_had_and_what_it_had_reserved(
    host: Host, tmp_path: Path
) -> None:
    """In the first design the message of a run that waited died with the worker that had fetched it: it hung."""
    toys = str(toy_points(tmp_path / "toys"))
    for name in ("one", "two", "three"):
        host.at.command("create_project", name)
        host.at.command("import_dataset", name, toys, "--radius-px", "12")
    broker = host.at.more["REDIS_URL"]
    host.at.python("-c", QUEUE)
    with Redis.from_url(broker) as messages:
        assert (messages.llen("train"), messages.llen("light")) == (3, 0), "each has sent its message"
    with host.worker("train", "first", broker) as first, host.worker("train", "second", broker) as second:
        wait_until(lambda: host.states().count("running") == 2, "two runs that are held")
        seen = host.look()["runs"]
        assert any("waiting for cpu" in str(progress.get("doing")) for *_, progress, _ in seen) or seen[0][5] == "cpu"
        os.kill(first.pid, signal.SIGKILL)
        children = [process for process in host.at.processes() if "execute_run" in words_of(process)]
        assert len(children) <= 2
        wait_until(lambda: set(host.states()) == {"succeeded"}, "the end of all three")
        assert second.poll() is None
    looked = host.look()
    assert sorted(attempt for _, _, attempt, *_ in looked["runs"]) == [1, 1, 2]
    assert looked["epochs"] == [[run, number] for run in (1, 2, 3) for number in range(1, EPOCHS + 1)]
    assert all(moves.count("succeeded") == 1 for moves in looked["moves"].values())


def test_a_worker_that_finds_no_broker_looks_at_the_table_by_itself(host: Host) -> None:
    host.at.command("create_project", "one")
    host.at.python("-c", PREDICT)
    with host.worker("light", "alone", f"redis://127.0.0.1:{free_port()}/0") as process:
        wait_until(lambda: host.states() == ["succeeded"], "the run without a broker", 300)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) is not None


def test_a_line_that_is_cut_is_noticed() -> None:
    """TCP by itself would wait a quarter of an hour for a database that does not answer any more."""
    code = "import json; from django.conf import settings as s; print(json.dumps(s.DATABASES['default']['OPTIONS']))"
    env = os.environ | {
        "DATABASE_URL": "postgres://a@b/c?connect_timeout=9",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    options = json.loads(done.stdout)
    assert options["connect_timeout"] == "9"
    assert int(options["tcp_user_timeout"]) <= 30_000
