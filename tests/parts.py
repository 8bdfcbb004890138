"""Runs commands, prints how long each took, and names those that failed.

`make check` and `make test` are lists of parts. A failing part does not stop the next one: one run tells
everything that is wrong.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Part:
    """One command of a run; `env` is laid over the environment, a value of None removes the variable."""

    name: str
    command: Sequence[str]
    env: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    name: str
    seconds: float
    code: int

    def line(self) -> str:
        return f"  {'ok    ' if self.code == 0 else 'FAILED'} {self.seconds:7.1f} s  {self.name}"


def run_part(part: Part, *, alone: bool = True) -> Outcome:
    """What it prints is seen at once, or, where it does not run `alone`, in one piece when it has ended."""
    title = f"\n--- {part.name}: {shlex.join(part.command).replace(str(ROOT) + os.sep, '')}"
    if alone:
        print(title, flush=True)
    env = {name: value for name, value in {**os.environ, **part.env}.items() if value is not None}
    out, err = (None, None) if alone else (subprocess.PIPE, subprocess.STDOUT)
    started = time.monotonic()
    done = subprocess.run(
        part.command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False
    )
    outcome = Outcome(part.name, time.monotonic() - started, done.returncode)
    said = [] if alone else [title, done.stdout.decode(errors="replace").rstrip()]
    print("\n".join([*filter(None, said), outcome.line()]), flush=True)
    return outcome


def run_parts(title: str, parts: Sequence[Part], *, at_once: int = 1) -> list[Outcome]:
    """Runs the parts, so many `at_once`, and prints a table of them."""
    started = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        outcomes = list(pool.map(lambda part: run_part(part, alone=at_once == 1), parts))
    print(f"\n{title}: {time.monotonic() - started:.0f} s")
    for outcome in outcomes:
        print(outcome.line())
    sys.stdout.flush()
    return outcomes
