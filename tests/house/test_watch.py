"""Commands write inside MARROWLOOP_HOME alone and call no other machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.watch import run_watched

STRAY = """
import pathlib, subprocess, sys
pathlib.Path({place!r}, "stray.txt").write_text("here")
call = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
subprocess.run([sys.executable, "-c", call])
"""


def test_the_watch_sees_strays_of_a_command_and_of_its_children(tmp_path: Path) -> None:
    seen = run_watched(["shell", "--no-imports", "-c", STRAY.format(place=str(tmp_path))], tmp_path)
    assert f"open {tmp_path}/stray.txt" in seen.strays, seen.done.stderr
    assert "socket.connect 192.0.2.1" in seen.strays


@pytest.mark.setup
@pytest.mark.parametrize("command", [["check"], ["migrate", "-v", "0"], ["help"]])
def test_a_start_stays_at_home(tmp_path: Path, command: list[str]) -> None:
    seen = run_watched(command, tmp_path)
    assert seen.done.returncode == 0, seen.done.stderr
    assert seen.strays == []
    assert any((tmp_path / "data").iterdir())
