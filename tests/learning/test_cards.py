"""One training on a card at a time, whoever starts it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from config.supervisor.__main__ import trainers
from learning.cards import Seat, seated, seats
from models_zoo import machine
from models_zoo.machine import Gpu

TOOL = """#!/bin/sh
echo "0, NVIDIA L4, 23034, GPU-aa"
echo "1, NVIDIA H100 80GB HBM3, 81559, GPU-bb"
"""


@pytest.fixture
def two_cards(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A driver's tool that knows two cards, and a data folder."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(TOOL)
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    machine.gpus.cache_clear()
    settings.HOME = tmp_path / "data"
    yield tmp_path / "data"
    machine.gpus.cache_clear()


def refuse(seat: Seat) -> None:
    raise TimeoutError(seat.words)


@pytest.mark.usefixtures("two_cards")
def test_a_second_training_takes_the_other_card_and_a_third_waits() -> None:
    assert machine.gpus() == (Gpu(0, "NVIDIA L4", 23034, "GPU-aa"), Gpu(1, "NVIDIA H100 80GB HBM3", 81559, "GPU-bb"))
    with seated(seats("auto"), refuse) as first, seated(seats("auto"), refuse) as second:
        assert (first.device, first.words) == ("1", "card 1: NVIDIA H100 80GB HBM3")
        assert second.device == "0"
        with pytest.raises(TimeoutError, match="H100"), seated(seats("auto"), refuse):
            pass
        with pytest.raises(TimeoutError, match="L4"), seated(seats("0"), refuse):
            pass
    with seated(seats("1"), refuse) as again:
        assert again.device == "1"


@pytest.mark.usefixtures("two_cards")
def test_who_is_killed_lets_go_of_the_card() -> None:
    (seat,) = seats("1")
    seat.lock.parent.mkdir(parents=True)
    hold = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print('held', flush=True)"
    hold += "; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold, str(seat.lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waited = list[Seat]()

        def kill(busy: Seat) -> None:
            waited.append(busy)
            holder.send_signal(signal.SIGKILL)
            holder.wait()

        with seated(seats("1"), kill) as mine:
            assert (mine, waited) == (seat, [seat])


@pytest.mark.usefixtures("two_cards")
def test_the_supervisor_starts_a_worker_for_each_card() -> None:
    assert trainers() == ["train", "train-2"]


def test_workers_share_the_cpu_in_turn_and_a_command_that_is_waited_for_does_not_wait(
    tmp_path: Path, settings: Settings
) -> None:
    settings.HOME = tmp_path
    in_worker = seats("cpu", share_cpu=False)
    with seated(in_worker, refuse) as seat:
        assert seat.device == "cpu"
        with pytest.raises(TimeoutError), seated(in_worker, refuse):
            pass
        with seated(seats("cpu"), refuse) as command:
            assert command.device == "cpu"


def test_without_a_card_there_is_one_worker_for_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpus", lambda: ())
    assert trainers() == ["train"]
