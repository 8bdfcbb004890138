"""The whole product in a data folder of its own, as `make run` starts it: started, asked, killed at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.frame import ROOT, CannotMeasureError

READY_SECONDS = 240.0
OK = 200


class NotReachedError(Exception):
    """Nobody answered, or what answered was no answer: whether it was done is not known."""


@dataclass
class Installation:
    """`home` becomes MARROWLOOP_HOME. What it says goes to `home`.log beside it."""

    home: Path
    port: int = field(default_factory=lambda: free_port())
    more: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        left_out = {"MARROWLOOP_WEIGHTS", "DATABASE_URL", "REDIS_URL"}
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        own = {"MARROWLOOP_HOME": str(self.home), "MARROWLOOP_PORT": str(self.port), "MARROWLOOP_API_RATE": "0"}
        return kept | own | {"DJANGO_SETTINGS_MODULE": "config.settings"} | self.more

    @property
    def log(self) -> Path:
        return self.home.with_name(f"{self.home.name}.log")

    def python(self, *words: str) -> str:
        """Run `python WORDS` on this data folder; returns the last line that it prints."""
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.env, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise CannotMeasureError(f"{' '.join(words)} failed with status {done.returncode}: see its words above")
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    def command(self, *words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.python("manage.py", *words, "--json"))
        return answer

    def start(self) -> None:
        """Start it, for the first time or after it was ended."""
        if self._process is not None:
            self._process.wait(60)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "config.supervisor"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> float:
        """Until the pages answer; returns how many seconds that took."""
        began = time.monotonic()
        while not self.is_up():
            if self._process is None or self._process.poll() is not None:
                raise CannotMeasureError(f"the supervisor ended by itself; it said:\n{self.said()}")
            if time.monotonic() - began > READY_SECONDS:
                raise CannotMeasureError(f"the pages did not come up; the supervisor said:\n{self.said()}")
            time.sleep(0.1)
        return time.monotonic() - began

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return bool(answer.status == OK)
        except OSError:
            return False

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def processes(self) -> list[int]:
        """Everything that works in this data folder, with the supervisor. Redis writes its title over its environment,
        and is known by its words."""
        mark, place = f"MARROWLOOP_HOME={self.home}".encode(), f"{self.home}/".encode()
        found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [
            process
            for process in found
            if process != os.getpid()
            and (mark in _told(process, "environ").split(b"\0") or place in _told(process, "cmdline"))
        ]

    def kill_all(self, order: Callable[[list[int]], None] = lambda _: None) -> int:
        """SIGKILL to all of it, in the order that `order` brings them into; returns how many there were."""
        killed = 0
        while processes := self.processes():
            order(processes)
            for process in processes:
                try:
                    os.kill(process, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    continue
            time.sleep(0.02)
        if self._process is not None:
            self._process.wait()
        return killed

    def stop(self) -> None:
        """As Ctrl-C does it; what is still there after a while is killed."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill_all()

    def ask(self, method: str, path: str, token: str, body: Any = None) -> Any:
        """What `path` under /api/ answers. Raises NotReachedError, also for an error of the server."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        address = f"http://127.0.0.1:{self.port}/api/{path}"
        request = urllib.request.Request(address, data, headers, method=method)  # this machine
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # this machine
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                raise NotReachedError(str(error)) from error
            raise CannotMeasureError(f"{method} {path}: {error.code}: {error.read()[:500]!r}") from error
        except (OSError, ValueError) as error:
            raise NotReachedError(str(error)) from error

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "marrowloop.sqlite3", timeout=30)) as database:
            return database.execute(query).fetchall()

    def value(self, query: str) -> Any:
        found = self.rows(query)
        return found[0][0] if found else None


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def _told(process: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{what}").read_bytes()
    except OSError:
        return b""
