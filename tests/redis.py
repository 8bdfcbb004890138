"""A Redis of our own for tests, over TCP on the loopback address, as several machines share one.

The binary is the one that `make run` would take. It keeps nothing, and a server that does not start is a failure.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from config.supervisor.broker import find_server

START_SECONDS = 30.0


class RedisError(Exception):
    """The server did not start; the message says why."""


@contextmanager
def redis() -> Iterator[str]:
    """A running server; yields its REDIS_URL. Raises RedisError when it does not start."""
    server = find_server()
    if server is None:
        raise RedisError("there is no Redis: type `make setup`")
    port = _free_port()
    words = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with subprocess.Popen([server, *words], stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            _wait(process, port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1.0) as line:
                line.sendall(b"PING\r\n")
                if line.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.05)
    raise RedisError(f"Redis did not start on port {port} within {START_SECONDS:.0f} s")


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])
