"""One child of the supervisor: started, listened to, started again when it dies, ended with all it has started."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
ROOT = Path(__file__).resolve().parents[2]

LOG_BYTES, LOG_FILES = 5_000_000, 2
# Seconds until a dead child is started again: doubled with each death, as before once it has lived for a while.
FIRST_PAUSE, LONGEST_PAUSE, STEADY = 1.0, 30.0, 60.0

_terminal = threading.Lock()


def say(text: str, name: str = "") -> None:
    """One line to the terminal. Somebody may have closed it: that is no reason to stop."""
    with _terminal, contextlib.suppress(OSError, ValueError):
        print(f"{name:<6} | {text}" if name else text, file=sys.stderr, flush=True)


def launched(command: Sequence[str]) -> list[str]:
    """`command` as a process that dies with this one."""
    return [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), *command]


class Child:
    """A program that should be running. `patience` is how many seconds it gets to end by itself; what a
    `quiet` one says goes to its log alone. `prepare` is called before each start with how often in a row the child has
    died soon after one."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        logs: Path,
        patience: float = 5.0,
        quiet: bool = False,
        prepare: Callable[[int], None] | None = None,
    ) -> None:
        self.name, self.command, self.env, self.patience = name, command, env, patience
        self.prepare = prepare
        self.quiet, self.deaths = quiet, 0
        self._process: subprocess.Popen[str] | None = None
        self._pump: threading.Thread | None = None
        self._pause, self._began, self._again_at, self._in_a_row = FIRST_PAUSE, 0.0, 0.0, 0
        self._log = _log_file(logs / f"{name}.log")

    def start(self) -> None:
        self._began, self._again_at = time.monotonic(), 0.0
        if self.prepare is not None:
            self.prepare(self._in_a_row)
        self._process = subprocess.Popen(
            launched(self.command),
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._pump = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._pump.start()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def look_after(self) -> None:
        """Notice a death, and start the child again when its pause is over. Called a few times a second."""
        if self.alive or self._process is None:
            return
        now = time.monotonic()
        if not self._again_at:
            self.deaths += 1
            self._kill_group()
            steady = now - self._began > STEADY
            self._pause, self._in_a_row = (FIRST_PAUSE, 1) if steady else (self._pause, self._in_a_row + 1)
            self._again_at = now + self._pause
            say(f"ended with status {self._process.returncode}; it is started again in {self._pause:.0f} s", self.name)
            self._pause = min(LONGEST_PAUSE, 2 * self._pause)
        elif now >= self._again_at:
            self.start()

    def ask_to_end(self) -> None:
        if self._process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def end(self, patience: float | None = None) -> None:
        """Wait for the child to end; kill it and all its group when it takes too long."""
        self.ask_to_end()
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self.patience if patience is None else patience)
        self._kill_group()
        self._process.wait()
        if self._pump is not None:
            self._pump.join(1.0)
        self._log.close()

    def _kill_group(self) -> None:
        """What is left of the child and of those it started, now that it should be gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            return
        for line in process.stdout:
            text = line.rstrip()
            if not self.quiet:
                say(text, self.name)
            self._log.emit(logging.LogRecord(self.name, logging.INFO, "", 0, text, None, None))
        process.stdout.close()


def _log_file(path: Path) -> RotatingFileHandler:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    return handler
