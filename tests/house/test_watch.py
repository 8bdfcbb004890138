"""Commands write inside MARROWLOOP_HOME alone and call no other machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.house.watch import run_watched
from tests.models_zoo.discs import CLASSES, draw

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


@pytest.mark.setup
def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """From 1.29 on, onnxruntime keeps a number of the machine and sends its use to its maker, unless told not to."""
    use = "import models_zoo.runtime, onnxruntime; onnxruntime.SessionOptions(); print(onnxruntime.get_device())"
    seen = run_watched(["shell", "--no-imports", "-c", use], tmp_path)
    assert seen.done.returncode == 0, seen.done.stderr
    assert seen.strays == []


def toy_points(folder: Path) -> Path:
    """Twenty-four small fields of discs, labelled by their centres."""
    (folder / "points").mkdir(parents=True)
    for record in draw(folder / "images", fields=24):
        lines = [f"{target.points[0]} {target.points[1]} {CLASSES[target.label]}" for target in record.targets]
        (folder / "points" / f"{record.key}.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.training
def test_a_round_stays_at_home(tmp_path: Path) -> None:
    """Import, training, ranking, distillation and prediction, with the children that do the work."""
    data = str(toy_points(tmp_path / "points"))
    options = ["--teacher", "yolo26n", "--imgsz", "96", "--epochs", "1", "--batch", "8", "--budget", "2"]
    commands = [
        ["migrate", "-v", "0"],
        ["create_project", "discs", "--json"],
        ["import_dataset", "discs", data, "--format", "points", "--radius-px", "12", "--oracle", "0.4", "--json"],
        ["run_round", "discs", *options, "--min-cells", "1", "--device", "cpu", "--wait", "--json"],
    ]
    for command in commands:
        seen = run_watched(command, tmp_path, timeout=300)
        assert seen.done.returncode == 0, seen.done.stderr
        assert seen.strays == [], command[0]
    answer = json.loads(seen.done.stdout.splitlines()[-1])
    assert set(answer["seconds"]) == {"train", "rank", "distil", "predict"}
