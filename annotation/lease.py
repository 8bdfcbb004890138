"""Who holds a run or a transfer: the name of a worker, and whether that worker is still alive on this machine."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import NamedTuple

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Name(NamedTuple):
    host: str
    process: int
    start: str
    life: str


def own_name() -> str:
    """host:process:start/life, unique to this process even after its number is given to another."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start(os.getpid())}/{own_life()}"


@cache
def own_life() -> str:
    """What ends when all of the product here is killed or switched off at once: the life of the supervisor, which
    tells it to its children, else the time since the machine was started."""
    told = os.environ.get("MARROWLOOP_LIFE", "")
    if told or not _BOOT.exists():
        return told
    return _BOOT.read_text().strip()[:8]


def surely_dead(worker: str) -> bool:
    """Whether `worker` was a process of this machine that is no more. Of other machines nothing is known: False."""
    name = _parsed(worker)
    return name is not None and _start(name.process) != name.start


def all_went_down(worker: str) -> bool:
    """Whether `worker` died with everything else here, as in a power cut: that tells nothing against its work."""
    name = _parsed(worker)
    return name is not None and "" not in (name.life, own_life()) and name.life != own_life()


def _parsed(worker: str) -> Name | None:
    """The name of a worker of this machine; None for any other."""
    host, *rest = worker.rsplit(":", 2)
    if len(rest) != 2 or host != socket.gethostname() or not rest[0].isdigit():
        return None
    start, _, life = rest[1].partition("/")
    return Name(host, int(rest[0]), start, life)


def _start(process: int) -> str:
    """The kernel's start time of `process` in ticks since boot; empty when there is none, or only a zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
