"""Two hosts as network namespaces, and a line between them that can be cut: data and pages here, a training there."""

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
from pathlib import Path
from typing import Any

from config.supervisor.broker import find_server
from tests.bucket import KEYS
from tests.house.processes import ROOT
from tests.house.product import wait_until
from tests.postgres import make_cluster, place_binaries, wait_until_ready

FIRST, SECOND = "10.77.0.1", "10.77.0.2"


def why_not() -> str:
    """Why this machine has no network namespaces; empty where it has."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "the program ip is absent (Debian: iproute2)"
    name = f"marrow-probe-{os.getpid()}"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


class Hosts:
    """`first` holds data, pages and the light worker; `second` is for a training. They share no folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = {host: f"marrow-{host}-{os.getpid()}" for host in ("first", "second")}
        self.line = f"mr{os.getpid() % 100000}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.socket = folder / "pg"

    def open(self) -> None:
        for name in self.names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ends = {"first": f"{self.line}a", "second": f"{self.line}b"}
        ip("link", "add", ends["first"], "type", "veth", "peer", "name", ends["second"])
        for (host, end), address in zip(ends.items(), (FIRST, SECOND), strict=True):
            ip("link", "set", end, "netns", self.names[host])
            ip("-n", self.names[host], "addr", "add", f"{address}/24", "dev", end)
            ip("-n", self.names[host], "link", "set", end, "up")

    def cut(self, *, cut: bool) -> None:
        ip("-n", self.names["first"], "link", "set", f"{self.line}a", "down" if cut else "up")

    def env(self, host: str) -> dict[str, str]:
        home = self.folder / host
        home.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name not in {"MARROWLOOP_WEIGHTS"}}
        return {
            **kept,
            **KEYS,
            "MARROWLOOP_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": f"postgres://postgres@{FIRST}/postgres",
            "REDIS_URL": f"redis://{FIRST}:6379/0",
            "MARROWLOOP_STORE": f"s3://marrow/study?endpoint=http://{FIRST}:9000",
            "MARROWLOOP_SECRET_KEY": "one for both",
            "MARROWLOOP_LEASE_SECONDS": "6",
            "MARROWLOOP_PORT": "8000",
        }

    def on(self, host: str, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.names[host], *words]

    def start(self, host: str, name: str, words: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
        """What it says goes to `name`.txt."""
        with (self.folder / f"{name}.txt").open("wb") as out:
            process = subprocess.Popen(
                self.on(host, *words),
                cwd=more.pop("cwd", ROOT),
                env=more.pop("env", self.env(host)),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **more,
            )
        self.processes.append(process)
        return process

    def ask(self, host: str, *words: str, timeout: float = 240) -> str:
        done = subprocess.run(
            self.on(host, sys.executable, *words),
            cwd=ROOT,
            env=self.env(host),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def start_servers(self) -> None:
        self.socket.mkdir()
        self.socket.chmod(0o777)
        binaries = place_binaries(self.socket, "nobody")
        data, log = self.socket / "data", self.folder / "postgres.txt"
        make_cluster(binaries, data, "nobody")
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.77.0.0/24 trust\n")
        keep = ["tcp_keepalives_idle=5", "tcp_keepalives_interval=2", "tcp_keepalives_count=3"]
        settings = [word for one in (f"listen_addresses={FIRST}", *keep) for word in ("-c", one)]
        command = [*self.on("first", "setpriv", "--reuid=nobody", "--clear-groups"), str(binaries / "postgres")]
        with log.open("wb") as out:
            server = subprocess.Popen(
                [*command, "-D", str(data), "-k", str(self.socket), *settings],
                cwd=self.socket,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(server)
        wait_until_ready(server, data, log)
        redis = find_server() or "redis-server"
        words = [redis, "--bind", FIRST, "--port", "6379", "--protected-mode", "no", "--dir", str(self.folder)]
        self.start("first", "redis", [*words, "--save", "", "--appendonly", "yes"])
        self.start("first", "bucket", [sys.executable, "-m", "tests.bucket", "9000", FIRST])
        make = f"from tests.bucket import made_bucket; made_bucket('http://{FIRST}:9000')"
        ready = f"import socket; socket.create_connection(('{FIRST}', 9000), 1)"
        wait_until(lambda: self._does("first", ready), "the S3 server", 60)
        self.ask("first", "-c", make)

    def _does(self, host: str, code: str) -> bool:
        words = self.on(host, sys.executable, "-c", code)
        return subprocess.run(words, capture_output=True, check=False, timeout=20).returncode == 0

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """By the socket's folder, which no cut line concerns."""
        import psycopg

        with psycopg.connect(f"host={self.socket} user=postgres dbname=postgres") as line:
            return list(line.execute(query).fetchall())

    def close(self) -> None:
        for process in reversed(self.processes):
            with_group = [signal.SIGTERM, signal.SIGKILL]
            for number in with_group:
                try:
                    os.killpg(process.pid, number)
                    process.wait(10)
                except ProcessLookupError:
                    break
                except subprocess.TimeoutExpired:
                    continue
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@contextmanager
def hosts() -> Iterator[Hosts]:
    # The path of a Unix socket has room for about 100 characters, hence /tmp.
    with tempfile.TemporaryDirectory(prefix="marrow-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Hosts(Path(folder))
        try:
            made.open()
            made.start_servers()
            yield made
        finally:
            made.close()
            time.sleep(0.2)
