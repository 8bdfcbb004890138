"""How fast a cell is saved while 50 readers label, and whether anything is lost: `python -m benchmarks.readers`.

The server is the real one, as `make run` starts it, on two cores and on either database; the readers are a process of
their own on the same two cores. They save alone, then while a training runs, and in between faster and faster.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import frame
from benchmarks.readers_load import Load, Saved

CORES = 2
READERS = 50
EVERY = 2.0
GOAL_MS = 100.0
# The server falls over where one save in twenty takes longer than this, or any is not answered as it should be.
FALLEN_MS = 1000.0
START_SECONDS = 120.0
TRAINING_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Size:
    """Seconds of a phase, seconds of each step of the climb, and how much faster each step is than the one before."""

    phase: float
    step: float
    faster: float
    highest: float = 2000.0


SIZES = {"small": Size(phase=20, step=5, faster=1.5), "full": Size(phase=120, step=15, faster=1.25)}
WARM_UP = 4.0


def measure(task: frame.Task) -> frame.Outcome:
    frame.keep_to_cores(CORES)
    size = SIZES[task.setting]
    figures: dict[str, float | int | None] = {}
    details: dict[str, Any] = {"load_before": frame.load()}
    missing: dict[str, int] = {"lost": 0, "overwritten": 0}
    for name, database in databases().items():
        with database as url:
            found, told = on(task, name, url, size)
        figures |= found
        details[name] = told
        for key in missing:
            missing[key] += told["checked"][key]
    return frame.Outcome(figures | missing, details | {"load_after": frame.load()})


def databases() -> dict[str, contextlib.AbstractContextManager[str]]:
    from tests.postgres import DURABLE, postgres

    return {"sqlite": contextlib.nullcontext(""), "postgres": postgres(DURABLE)}


def on(task: frame.Task, name: str, url: str, size: Size) -> tuple[dict[str, float | None], dict[str, Any]]:
    """All phases on one database."""
    folder = task.folder / name
    folder.mkdir()
    world = World(folder, url)
    task.say(f"{name}: {READERS} fields are drawn and given to {READERS} readers")
    desks = world.ask("seed", str(READERS))
    with world.server():
        load = Load(world.port, desks, folder / "saved.jsonl")
        load.run(EVERY, WARM_UP)  # templates and plans are read, connections opened
        alone = load.run(EVERY, size.phase)
        task.say(f"{name}, alone: {alone.words()}")
        climb = list(climbed(task, name, load, size))
        world.ask("train")
        task.say(f"{name}: waiting for a training to be under way")
        before = world.ask("training", str(TRAINING_SECONDS))
        training = load.run(EVERY, size.phase)
        after = world.ask("training", "1")
        task.say(f"{name}, training: {training.words()}; the training stands at {after['progress']}")
        if after["state"] != "running" or after["step"] != "train":
            raise frame.CannotMeasureError(f"the training ended before the readers did: {after}")
    checked = world.ask("check", str(folder / "saved.jsonl"))
    task.say(
        f"{name}: {checked['saves']} saves were answered, {checked['lost']} lost, {checked['overwritten']} covered"
    )
    figures = {
        f"save_ms_p50_{name}": alone.percentile(50),
        f"save_ms_p95_{name}": alone.percentile(95),
        f"save_ms_p50_{name}_training": training.percentile(50),
        f"save_ms_p95_{name}_training": training.percentile(95),
        f"falls_over_per_s_{name}": next((rate for rate, saved in climb if has_fallen(saved)), None),
    }
    details = {
        "alone": alone.told(),
        "training": training.told() | {"progress": [before["progress"], after["progress"]]},
        "climb": [{"saves_per_s": rate, **saved.told()} for rate, saved in climb],
        "checked": checked,
    }
    return figures, details


def climbed(task: frame.Task, name: str, load: Load, size: Size) -> Iterator[tuple[float, Saved]]:
    """Faster and faster until it falls over: saves a second that were asked for, and what became of them."""
    rate = READERS / EVERY
    while (rate := round(rate * size.faster, 1)) <= size.highest:
        saved = load.run(READERS / rate, size.step)
        task.say(f"{name}, {rate:g} saves/s: {saved.words()}")
        yield rate, saved
        if has_fallen(saved):
            time.sleep(1.0)
            return


def has_fallen(saved: Saved) -> bool:
    return bool(saved.faults) or saved.percentile(95) > FALLEN_MS


class World:
    """A data folder, the database that goes with it, and the server on both."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.port = folder, free_port()
        left_out = {"MARROWLOOP_WEIGHTS", "DATABASE_URL", "REDIS_URL"}
        self.env = {key: value for key, value in os.environ.items() if key not in left_out}
        self.env |= {"MARROWLOOP_HOME": str(folder / "home"), "MARROWLOOP_PORT": str(self.port)}
        self.env |= {"DATABASE_URL": database} if database else {}

    def ask(self, *words: str) -> Any:
        """What `benchmarks.readers_desks` answers, in a process of its own with the settings of this world."""
        command = [sys.executable, "-m", "benchmarks.readers_desks", *words]
        done = subprocess.run(command, cwd=frame.ROOT, env=self.env, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise frame.CannotMeasureError(f"{' '.join(words[:1])} failed: see its words above")
        return json.loads(done.stdout.splitlines()[-1])

    @contextlib.contextmanager
    def server(self) -> Iterator[None]:
        """The server, until the block ends."""
        out = self.folder / "server.txt"
        with out.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.supervisor"],
                cwd=frame.ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            until = time.monotonic() + START_SECONDS
            while "Marrowloop runs at" not in out.read_text():
                if process.poll() is not None or time.monotonic() > until:
                    raise frame.CannotMeasureError(f"the server does not start: {out.read_text()[-2000:]}")
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


if __name__ == "__main__":
    sys.exit(frame.run("readers", __doc__, measure))
