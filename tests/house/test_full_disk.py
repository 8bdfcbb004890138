"""The disk is full, for real: on a small file system that database, log and checkpoints share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.installation import Installation
from tests.house.processes import ROOT
from tests.house.test_watch import toy_points


@pytest.mark.setup
def test_a_full_disk_ends_a_round_by_that_name_and_after_making_room_it_goes_on(tmp_path: Path) -> None:
    made = Installation(tmp_path / "home", more={"MARROWLOOP_RUN_FREE_MB": "0"})
    made.home.mkdir()
    size = ["-t", "tmpfs", "-o", "size=36m", "marrowloop-test", str(made.home)]
    if subprocess.run(["mount", *size], capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount a file system here: the full disk is tried in test_trouble.py alone")
    try:
        made.command("create_project", "full")
        toys = str(toy_points(tmp_path / "toys"))
        made.command("import_dataset", "full", toys, "--radius-px", "12", "--oracle", "0.4")
        words = ["--teacher", "yolo26n", "--imgsz", "96", "--batch", "4", "--min-cells", "1", "--device", "cpu"]
        numbers = ["--epochs", "2", "--student-epochs", "1", "--budget", "2"]
        assert "disk" in refused(made, "run_round", "full", *words, *numbers, "--wait")
        assert made.rows("select step, state, cause from learning_run") == [("train", "failed", "disk full")]
        assert made.value("select state from learning_round") == "failed"
        subprocess.run(["mount", "-o", "remount,size=600m", str(made.home)], check=True)
        assert made.command("run_round", "full", "--resume", "--wait")["state"] == "labelling"
        assert made.rows("select cause, error from learning_run where step = 'train'") == [("", "")]
    finally:
        subprocess.run(["umount", "--lazy", str(made.home)], check=True)


def refused(at: Installation, *command: str) -> str:
    """What a command says that fails."""
    full = [sys.executable, str(ROOT / "manage.py"), *command]
    done = subprocess.run(full, env=at.env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return done.stderr
