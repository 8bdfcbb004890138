"""The whole product as processes: a checkout and a data folder of its own, commands that are started and killed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.house.processes import ROOT
from tests.house.watch import strays_in, watched_environment

ROOMS = ("annotation", "config", "learning", "models_zoo", "templates", "static")


class Product:
    """Everything in `folder`: checkout/, data/ (MARROWLOOP_HOME), home/ and elsewhere/ (both to stay empty)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.checkout, self.elsewhere = folder, folder / "checkout", folder / "elsewhere"
        self.elsewhere.mkdir()
        for room in ROOMS:
            if (ROOT / room).is_dir():
                left_out = shutil.ignore_patterns("__pycache__", "node_modules")
                shutil.copytree(ROOT / room, self.checkout / room, ignore=left_out)
        shutil.copy2(ROOT / "manage.py", self.checkout)
        self.env = watched_environment(folder)
        self.fresh = self.files()

    def files(self) -> dict[str, int]:
        """When each file of the checkout was changed last, in nanoseconds."""
        return {str(path): path.stat().st_mtime_ns for path in self.checkout.rglob("*")}

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Starts `manage.py command --json` as the leader of a session of its own."""
        full = [sys.executable, str(self.checkout / "manage.py"), *command, "--json"]
        log = (self.folder / "stderr.txt").open("a")
        with log:
            return subprocess.Popen(
                full,
                cwd=self.elsewhere,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def answer_of(self, process: subprocess.Popen[str], timeout: float = 300) -> dict[str, Any]:
        out, _ = process.communicate(timeout=timeout)
        assert process.returncode == 0, self.said()
        answer: dict[str, Any] = json.loads(out.splitlines()[-1])
        return answer

    def ask(self, *command: str) -> dict[str, Any]:
        return self.answer_of(self.start(*command))

    def said(self) -> str:
        """The end of what all commands wrote to standard error."""
        return (self.folder / "stderr.txt").read_text()[-3000:]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "data" / "marrowloop.sqlite3", timeout=20)) as database:
            return database.execute(query).fetchall()

    def value(self, query: str) -> Any:
        found = self.rows(query)
        return found[0][0] if found else None

    def processes(self) -> list[int]:
        """The processes that work in this data folder."""
        mark = f"MARROWLOOP_HOME={self.folder / 'data'}".encode()
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and mark in environ(entry)]

    def strays(self) -> list[str]:
        changed = self.files().items() ^ self.fresh.items()
        return sorted({*strays_in(self.folder), *(path for path, _ in changed), *map(str, self.elsewhere.iterdir())})

    def end(self) -> None:
        """Leaves nothing running when a test breaks off."""
        for process in self.processes():
            os.kill(process, 9)


def environ(entry: Path) -> bytes:
    try:
        return (entry / "environ").read_bytes()
    except OSError:
        return b""


def wait_until(true: Callable[[], Any], what: str, seconds: float = 900) -> float:
    """Waits for `true` and returns how long that took; fails with `what` when it does not come.

    Trainings give way to all else on the machine, so that without `seconds` only what hangs fails.
    """
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"waited {seconds} s for {what}"
        time.sleep(0.05)
    return time.monotonic() - began
