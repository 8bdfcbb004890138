"""Who holds a run or a transfer: the name of a worker, and whether that worker is still alive on this machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def own_name() -> str:
    """host:process:start, unique to this process even after its number is given to another."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start(os.getpid())}"


def surely_dead(worker: str) -> bool:
    """Whether `worker` was a process of this machine that is no more. Of other machines nothing is known: False."""
    parts = worker.rsplit(":", 2)
    if len(parts) != 3 or parts[0] != socket.gethostname() or not parts[1].isdigit():
        return False
    return _start(int(parts[1])) != parts[2]


def _start(process: int) -> str:
    """The kernel's start time of `process` in ticks since boot; empty when there is none, or only a zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
