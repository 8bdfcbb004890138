"""From the lock on the data folder to the end of the last child: `python -m config.supervisor`."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.supervisor.broker import Broker, forget, open_broker
from config.supervisor.children import ROOT, Child, launched, say
from config.supervisor.claims import Claim, ClaimError, check_port, claimed, is_open_to_others, warn_if_open
from models_zoo import machine

LOOK_SECONDS = 0.25
READY_SECONDS = 60.0
# A web process that dies so often before it has answered once will not come up.
HOPELESS = 3


class Supervisor:
    def __init__(self) -> None:
        self.home: Path = settings.HOME
        self.bind, self.port = str(settings.BIND), int(settings.PORT)
        self.env = os.environ | {
            "MARROWLOOP_HOME": str(self.home),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            # Names the time between this start and the end of all: see annotation/lease.py.
            "MARROWLOOP_LIFE": secrets.token_hex(4),
        }
        self.children: list[Child] = []
        self._stop = threading.Event()
        self._signals = 0

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    @property
    def address(self) -> str:
        name = "localhost" if not is_open_to_others(self.bind) else self.bind
        return f"http://[{name}]:{self.port}/" if ":" in name else f"http://{name}:{self.port}/"

    def listen_to_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """The first signal ends all in order; a second one at once."""
        self._signals += 1
        self._stop.set()

    def run(self, claim: Claim) -> int:
        began = time.monotonic()
        broker: Broker | None = None
        try:
            broker = open_broker(settings.CELERY_BROKER_URL, self.home, self.env, lambda: self.stopped)
            self.env["REDIS_URL"] = broker.url
            prepared = self._prepare()
            if self.stopped:
                return 0
            web = self._start(broker)
            if self._wait_for(web):
                claim.tell(self.address)
                self._welcome(prepared, time.monotonic() - began)
            while not self._stop.wait(LOOK_SECONDS):
                for child in self.children:
                    child.look_after()
            return 0
        finally:
            self._end(broker)

    def _prepare(self) -> dict[str, Any]:
        """Tables, static files, and on first use an administrator and the demo project. Raises ClaimError."""
        command = [sys.executable, str(ROOT / "manage.py"), "prepare_server", "--json"]
        process = subprocess.Popen(
            launched(command), env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
        )
        while True:
            try:
                out, _ = process.communicate(timeout=LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if self.stopped:
                    os.killpg(process.pid, signal.SIGTERM)
        if self.stopped:
            return {}
        if process.returncode:
            raise ClaimError("The data folder could not be made ready; the reason stands above.")
        answer: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
        return answer

    def _start(self, broker: Broker) -> Child:
        logs, python = self.home / "logs", sys.executable
        web = Child("web", [python, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"], self.env, logs)
        # A worker hands its run back before it ends: its training gets three seconds for that.
        queues = [("light", "light", 3), *((name, "train", 1) for name in trainers())]
        workers = [
            Child(name, worker(queue, threads, broker.url, name), self.env, logs, patience=8.0)
            for name, queue, threads in queues
        ]
        # Redis is ended last, so it stands last.
        started = [web, *workers]
        self.children = started + ([broker.child] if broker.child else [])
        for child in started:
            child.start()
        return web

    def _wait_for(self, web: Child) -> bool:
        """Until the pages answer. False: somebody stopped us before. Raises ClaimError when they never will."""
        until = time.monotonic() + READY_SECONDS
        while not self._stop.wait(0.05):
            if self._healthy():
                return True
            for child in self.children:
                child.look_after()
            if web.deaths >= HOPELESS or time.monotonic() > until:
                raise ClaimError(f"The pages do not come up. The reason stands above, and in {self.home}/logs/web.log.")
        return False

    def _healthy(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104  # asked, not listened on
        line = http.client.HTTPConnection(host, self.port, timeout=5.0)
        names = [name for name in settings.ALLOWED_HOSTS if name != "*"] or ["localhost"]
        try:
            line.request("GET", "/healthz", headers={"Host": names[0].lstrip(".")})
            return line.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    def _welcome(self, prepared: dict[str, Any], seconds: float) -> None:
        lines = ["", f"Marrowloop runs at {self.address}"]
        if prepared.get("password"):
            kept = f"kept in {prepared['password_file']} until it is changed"
            lines.append(f"Sign in as {prepared['administrator']} with the password {prepared['password']} ({kept})")
        lines += [f"Data: {self.home}   Logs: {self.home}/logs   Started in {seconds:.1f} s"]
        lines += ["Ctrl-C stops it. For research use only.", ""]
        say("\n".join(lines))
        warn_if_open(self.bind)

    def _end(self, broker: Broker | None) -> None:
        """Web and workers together, then Redis."""
        if self.children:
            say("stopping; work that is under way goes on at the next start")
        redis = broker.child if broker else None
        others = [child for child in self.children if child is not redis]
        for child in others:
            child.ask_to_end()
        until = time.monotonic() + max([child.patience for child in others], default=0.0)
        while any(child.alive for child in others) and time.monotonic() < until and self._signals < 2:
            time.sleep(0.05)
        for child in others:
            child.end(0.0)
        if broker is not None and redis is not None:
            redis.end()
            forget(broker, self.home)
        if self.children:
            say("stopped")


def trainers() -> list[str]:
    """One worker for each card, or one for the CPU. Which card a run takes it finds out itself (learning/cards.py)."""
    return ["train", *(f"train-{number}" for number in range(2, len(machine.gpus()) + 1))]


def worker(queue: str, threads: int, broker: str, name: str) -> Sequence[str]:
    """A Celery worker of one queue. Threads, because heavy steps are processes of their own in any case.

    From Redis it takes no message before a thread is free, so that one which dies has none in its hands.
    """
    hushed = "ignore:You're running the worker with superuser"  # in a container there is nobody else
    celery = [
        sys.executable,
        "-W",
        hushed,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "config.celery",
        "worker",
        "--hostname",
        f"{name}@%h",
    ]
    choices = ["--pool", "threads", "--concurrency", str(threads), "--loglevel", "WARNING"]
    choices += ["--disable-prefetch"] if broker.startswith("redis") else []
    return [*celery, "--queues", queue, *choices, "--without-gossip", "--without-mingle", "--without-heartbeat"]


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        supervisor = Supervisor()
        supervisor.listen_to_signals()
        with claimed(supervisor.home) as claim:
            check_port(supervisor.bind, supervisor.port)
            return supervisor.run(claim)
    except (ClaimError, ImproperlyConfigured, OSError) as error:
        say(f"Marrowloop was not started. {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
