"""How fast trainings go: seconds for a step, by the table that ultralytics itself writes on both sides."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from benchmarks import bare, frame
from benchmarks.bare import BareRequest
from models_zoo import machine
from models_zoo.records import TrainRequest
from models_zoo.tiles import for_training

# The second epoch of three is timed: caches are warm, both sides still draw mosaics, and the first one's checkpoint
# and validation lie inside.
EPOCHS, TIMED = 3, 1
REPEATS, REPEATS_UNDER_LOAD = 2, 4


@dataclass(frozen=True, slots=True)
class Pace:
    """`ends` are the seconds from the start of a training to the end of each epoch, validation included; preparation
    of pictures and export are not in them."""

    ends: tuple[float, ...]
    steps_per_epoch: int
    threads: int

    @property
    def steps(self) -> int:
        return len(self.ends) * self.steps_per_epoch

    @property
    def per_step(self) -> float:
        """Seconds for a step over the whole training."""
        return self.ends[-1] / self.steps

    def of_epoch(self, index: int) -> float:
        """Seconds for a step of one epoch, the checkpoint of the epoch before included."""
        began = self.ends[index - 1] if index else 0.0
        return (self.ends[index] - began) / self.steps_per_epoch


def ends_of(table: Path) -> tuple[float, ...]:
    """The column `time` of a results.csv."""
    with table.open(newline="") as stream:
        return tuple(float(row["time"]) for row in csv.DictReader(stream, skipinitialspace=True))


def request_of(model: Path) -> TrainRequest:
    """What the product asked the zoo for when it trained the model in this folder."""
    return msgspec.json.decode((model / "request.json").read_bytes(), type=TrainRequest)


def steps_per_epoch(request: TrainRequest) -> int:
    pictures = 0
    for record in request.training:
        width, height = (max(1, round(side * record.scale)) for side in (record.width, record.height))
        pictures += len(for_training(width, height, request.tile))
    return -(-pictures // request.batch)


def of_model(model: Path) -> Pace:
    request = request_of(model)
    return Pace(ends_of(model / "run" / "results.csv"), steps_per_epoch(request), request.threads)


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds for a step of each side, the least of its repeats, which another process disturbed least."""

    ours: float
    bare: float
    bare_own_threads: float
    every: dict[str, list[float]]
    loads: list[float]


def compare(ours: TrainRequest, other: BareRequest, bare_steps: int, folder: Path) -> Compared:
    """Short trainings of both sides in turn, each in a process of its own, more of them where the machine is busy.

    `bare_own_threads`: as ultralytics sets them, and with libgomp's own waiting.
    """
    short = replace(ours, epochs=EPOCHS, resume_from=None, threads=machine.cores())
    stock = replace(other, epochs=EPOCHS, threads=machine.cores())
    sides: dict[str, Callable[[Path], Pace]] = {
        "ours": lambda out: _ours(replace(short, out=str(out))),
        "bare": lambda out: _bare(replace(stock, out=str(out)), bare_steps),
        "bare_own_threads": lambda out: _bare(replace(stock, out=str(out), threads=0), bare_steps),
    }
    every: dict[str, list[float]] = {side: [] for side in sides}
    loads: list[float] = []
    while len(loads) < (REPEATS_UNDER_LOAD if busy(loads) else REPEATS):
        number = len(loads)
        for side, train in sides.items():
            every[side].append(round(train(folder / f"{side}-{number}").of_epoch(TIMED), 4))
        loads.append(frame.load())
    least = {side: min(spent) for side, spent in every.items()}
    return Compared(**least, every=every, loads=loads)


def busy(loads: Sequence[float]) -> bool:
    """Whether more ran than the benchmark itself, which keeps all cores busy."""
    return any(load > machine.cores() + 0.5 for load in loads)


def _ours(request: TrainRequest) -> Pace:
    out = Path(request.out)
    out.mkdir(parents=True)
    file = out / "request.json"
    file.write_bytes(msgspec.json.encode(request))
    command = [sys.executable, "-m", "models_zoo", "train", str(file)]
    done = subprocess.run(command, cwd=frame.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise frame.CannotMeasureError(f"the training to be timed failed: {done.stderr.splitlines()[-1:]}")
    return of_model(out)


def _bare(request: BareRequest, steps: int) -> Pace:
    result = bare.train(request)
    return Pace(ends_of(Path(result.table)), steps, result.threads)
