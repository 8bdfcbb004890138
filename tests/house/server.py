"""The whole product, started as `make run` starts it, in a data folder and on a port of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.house.product import Product, wait_until

START_SECONDS = 90.0


class Server:
    """The product, started as `make run` starts it."""

    def __init__(self, folder: Path) -> None:
        self.product = Product(folder)
        self.port = free_port()
        self.out = folder / "out.txt"

    def start(self) -> subprocess.Popen[str]:
        env = self.product.env | {"MARROWLOOP_PORT": str(self.port)}
        with self.out.open("w") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "config.supervisor"],
                cwd=self.product.checkout,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def wait(self, process: subprocess.Popen[str]) -> float:
        """Until the address is printed."""

        def up() -> bool:
            assert process.poll() is None, self.said()
            return "Marrowloop runs at" in self.said()

        return wait_until(up, "the address", START_SECONDS)

    def said(self) -> str:
        return self.out.read_text()

    def status(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
            return int(answer.status)

    def processes(self, word: str = "") -> list[int]:
        return [process for process in self.product.processes() if word in words_of(process)]

    def wait_for_nothing(self, seconds: float) -> None:
        wait_until(lambda: not self.processes(), f"the end of all: {self.processes()}", seconds)
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            line.bind(("127.0.0.1", self.port))


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def words_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
