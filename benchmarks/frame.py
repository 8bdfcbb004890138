"""What every benchmark shares: its options, its last line, its file of results, and plain failures.

A benchmark is a function from Task to Outcome. `run` calls it and prints one JSON object as the last line of standard
output; everything else goes to standard error. The whole outcome is kept in `results/NAME/SETTING.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models_zoo import machine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"

Figures = Mapping[str, float | int | None]


class CannotMeasureError(Exception):
    """Something that the benchmark needs is missing; the text says what, and what to do."""


@dataclass(frozen=True, slots=True)
class Task:
    """`setting` is small or full; `folder` is a scratch folder that is removed at the end; `options` as given."""

    setting: str
    folder: Path
    options: argparse.Namespace = field(default_factory=argparse.Namespace)

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`figures`: what the last line holds, None where the data cannot tell. `details`: all else worth keeping."""

    figures: Figures
    details: Mapping[str, Any] = field(default_factory=dict)


def run(
    name: str,
    purpose: str,
    measure: Callable[[Task], Outcome],
    arguments: Sequence[str] | None = None,
    results: Path = RESULTS,
    add: Callable[[argparse.ArgumentParser], None] | None = None,
) -> int:
    """Measure, print and keep; returns the exit status: 1, with a sentence on standard error, where it cannot.

    `add` gives the parser options of the benchmark's own, which it finds in its Task.
    """
    made = parser(name, purpose)
    if add is not None:
        add(made)
    options = made.parse_args(arguments)
    setting = "full" if options.full else "small"
    with tempfile.TemporaryDirectory(prefix=f"benchmark-{name}-") as folder:
        began = time.monotonic()
        try:
            outcome = measure(Task(setting, Path(folder), options))
        except CannotMeasureError as reason:
            print(f"benchmarks.{name}: {reason}", file=sys.stderr)
            return 1
        seconds = round(time.monotonic() - began, 1)
    line = {
        "benchmark": name,
        "setting": setting,
        "machine": machine_in_words(),
        "commit": commit(),
        "figures": dict(outcome.figures),
    }
    keep(results / name, setting, line | {"seconds": seconds, "details": dict(outcome.details)})
    print(json.dumps(line) if options.json else table(outcome.figures))
    return 0


def parser(name: str, purpose: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=purpose)
    size = made.add_mutually_exclusive_group()
    size.add_argument("--small", action="store_true", help="the setting for every day (the default)")
    size.add_argument("--full", action="store_true", help="more data and several seeds")
    made.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    return made


def table(figures: Figures) -> str:
    """The figures for a person to read."""
    shown = {key: "n/a" if value is None else f"{value:.4g}" for key, value in figures.items()}
    width = max(map(len, shown), default=0)
    return "\n".join(f"{key:<{width}}  {value}" for key, value in shown.items())


def keep(folder: Path, setting: str, content: Mapping[str, Any]) -> Path:
    """Write `content` to `folder`/`setting`.json, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{setting}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    return path


def data_folder(name: str) -> Path:
    """The folder of a real data set; raises CannotMeasureError where it is absent."""
    beside = ROOT.parent / "shared" / "data"
    whole = Path(os.environ.get("MARROWLOOP_DATA") or beside).expanduser()
    folder = whole / name
    if not folder.is_dir():
        raise CannotMeasureError(
            f"the data set {name} is missing: set MARROWLOOP_DATA to the folder that holds the folder {name}"
        )
    return folder


def machine_in_words() -> str:
    """Cores, processor, memory and cards: no name of a host and no path."""
    cards = ", ".join(f"{card.name} ({card.memory / 1024:.0f} GiB)" for card in machine.gpus()) or "no GPU"
    cores = machine.cores()
    return f"{cores} core{'s' if cores > 1 else ''} of {processor()}, {memory_gib():.0f} GiB memory, {cards}"


def processor() -> str:
    """What the processor calls itself."""
    table_ = Path("/proc/cpuinfo")
    lines = table_.read_text().splitlines() if table_.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def memory_gib() -> float:
    return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES") / 2**30


def keep_to_cores(count: int) -> None:
    """This process and all that it starts from now on use at most `count` cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def load() -> float:
    """Processes that wanted a core, on the mean of the last minute."""
    return round(os.getloadavg()[0], 2)


def commit() -> str:
    """The commit of this checkout, with + behind it where its code has changed since; "unknown" outside one."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return "unknown"

    def asked(*words: str) -> str:
        return subprocess.run([git, *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = asked("status", "--porcelain", "--untracked-files=no", "--", "*.py")
    return (asked("rev-parse", "--short=12", "HEAD") or "unknown") + ("+" if changed else "")
