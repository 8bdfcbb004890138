"""Runs commands one after the other, prints how long each took, and names those that failed.

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


def run_part(part: Part) -> Outcome:
    print(f"\n--- {part.name}: {shlex.join(part.command).replace(str(ROOT) + os.sep, '')}", flush=True)
    env = {name: value for name, value in {**os.environ, **part.env}.items() if value is not None}
    started = time.monotonic()
    code = subprocess.run(part.command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, check=False).returncode
    outcome = Outcome(part.name, time.monotonic() - started, code)
    print(outcome.line(), flush=True)
    return outcome


def run_parts(title: str, parts: Sequence[Part]) -> list[Outcome]:
    """Runs all parts and prints a table of them."""
    outcomes = [run_part(part) for part in parts]
    print(f"\n{title}: {sum(outcome.seconds for outcome in outcomes):.0f} s")
    for outcome in outcomes:
        print(outcome.line())
    sys.stdout.flush()
    return outcomes
