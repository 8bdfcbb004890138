"""What the supervisor must have for itself alone: the data folder, and the port."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.supervisor.children import say

# After a supervisor was killed its web process may hold the port a moment longer.
DYING_SECONDS = 1.0


class ClaimError(Exception):
    """The product cannot be started; the message says why, and what to type."""


class Claim:
    """The lock on a data folder. It ends with the process that holds it, however that ends."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def tell(self, address: str) -> None:
        """Leave word for whoever tries to start a second time."""
        self._file.write_text(f"{os.getpid()} {address}\n")


@contextmanager
def claimed(home: Path) -> Iterator[Claim]:
    """Raises ClaimError while another process holds the folder."""
    file = home / "run.lock"
    with file.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClaimError(_taken(home, file)) from None
        claim = Claim(file)
        claim.tell("")
        yield claim


def _taken(home: Path, file: Path) -> str:
    process, _, address = file.read_text().strip().partition(" ")
    where = f" at {address}" if address else ""
    return (
        f"Marrowloop is running already on {home}{where} (process {process or 'unknown'}). "
        f"To stop it type: kill {process or 'PROCESS'}\n"
        "To run a second one beside it type: make run MARROWLOOP_HOME=OTHER_FOLDER MARROWLOOP_PORT=OTHER_PORT"
    )


def check_port(bind: str, port: int) -> None:
    """Raises ClaimError, naming a port that is free, where nobody can listen on this one."""
    if not 1 <= port <= 65535:
        raise ClaimError(f"MARROWLOOP_PORT is {port}: write a number from 1 to 65535, such as 8000.")
    until = time.monotonic() + DYING_SECONDS
    while (trouble := _trouble(bind, port)) is not None and time.monotonic() < until:
        time.sleep(0.1)
    if trouble is None:
        return
    free = next((other for other in range(port + 1, min(port + 100, 65536)) if _trouble(bind, other) is None), None)
    advice = f"Type: make run MARROWLOOP_PORT={free}" if free else "Name an address of this machine in MARROWLOOP_BIND."
    raise ClaimError(f"Nobody can listen on {bind} port {port}: {trouble}. {advice}")


def _trouble(bind: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind((bind, port))
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return None


def is_open_to_others(bind: str) -> bool:
    return bind not in {"127.0.0.1", "localhost", "::1"}


def warn_if_open(bind: str) -> None:
    if is_open_to_others(bind):
        say(
            f"Other machines can reach the pages on {bind}. Put a server with https in front of it before patients' "
            "pictures lie here (docs/how-to/run-the-server.md)."
        )
