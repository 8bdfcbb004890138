"""A PostgreSQL of our own for tests: `python -m tests.postgres COMMAND...` runs COMMAND with DATABASE_URL set, and with
a Redis over TCP (tests/redis.py) in REDIS_URL: both as on several machines.

The binaries are those of the pgserver wheel; its Python interface is not used, because as root it would add a
system user and open the folders above the checkout to everybody. Here everything lies in one temporary folder
(as root: a copy that belongs to `nobody`, since PostgreSQL refuses to run as root), the server listens on a Unix
socket alone, and both are gone at the end. A server that does not start is a failure, never a skip.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.redis import RedisError, redis

START_SECONDS = 30.0
# A test database is thrown away: it need not survive a power cut.
OPTIONS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=40"]
# As a server is run: what is committed is on the disk.
DURABLE = ["shared_buffers=128MB", "max_connections=100"]


class PostgresError(Exception):
    """The server did not start; the message holds what it said."""


def wheel() -> Path:
    """The folder into which pgserver was installed."""
    spec = find_spec("pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("the package pgserver is not installed: type `make setup`")
    return Path(spec.origin).parent.parent


def place_binaries(folder: Path, user: str | None) -> Path:
    """The folder of the binaries; as root a copy, because `nobody` may not enter the folders of root."""
    source = wheel()
    if user is None:
        return source / "pgserver" / "pginstall" / "bin"
    shutil.copytree(source / "pgserver.libs", folder / "pgserver.libs")
    for part in ("bin", "lib", "share"):
        shutil.copytree(source / "pgserver" / "pginstall" / part, folder / "pgserver" / "pginstall" / part)
    shutil.chown(folder, user)
    return folder / "pgserver" / "pginstall" / "bin"


def make_cluster(bin_folder: Path, data: Path, user: str | None) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    command = [str(bin_folder / "initdb"), "-D", str(data), *options]
    done = subprocess.run(command, user=user, cwd=data.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PostgresError(f"PostgreSQL could not make its data folder:\n{done.stdout}{done.stderr}")


def wait_until_ready(server: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    """Returns when the server has written `ready` into its pid file."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        pid_file = data / "postmaster.pid"
        if pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"):
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise PostgresError(f"PostgreSQL did not start within {START_SECONDS:.0f} s:\n{log.read_text()}")


@contextmanager
def postgres(options: Sequence[str] = tuple(OPTIONS)) -> Iterator[str]:
    """A running server; yields its DATABASE_URL.

    Raises PostgresError when it does not start.
    """
    user = "nobody" if os.geteuid() == 0 else None
    # The path of a Unix socket has room for about 100 characters, hence /tmp and not TMPDIR.
    with tempfile.TemporaryDirectory(prefix="marrowloop-pg-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder, data, log = Path(name), Path(name) / "data", Path(name) / "log"
        bin_folder = place_binaries(folder, user)
        make_cluster(bin_folder, data, user)
        settings = [word for option in [*options, "listen_addresses="] for word in ("-c", option)]
        with log.open("wb") as stream:
            server = subprocess.Popen(
                [bin_folder / "postgres", "-D", data, "-k", folder, *settings],
                user=user,
                cwd=folder,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until_ready(server, data, log)
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=20)


def main() -> int:
    # A stopped run must not leave the server behind: the signal becomes an exception, and `postgres` cleans up.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        with postgres() as url, redis() as broker:
            print(f"PostgreSQL runs, DATABASE_URL={url} REDIS_URL={broker}", file=sys.stderr, flush=True)
            env = {**os.environ, "DATABASE_URL": url, "REDIS_URL": broker}
            return subprocess.run(sys.argv[1:], env=env, check=False).returncode
    except (PostgresError, RedisError) as error:
        print(f"The tests on PostgreSQL cannot run. {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
