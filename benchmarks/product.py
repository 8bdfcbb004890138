"""The product as its users meet it: commands, each in a process of its own, on a data folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.frame import ROOT, CannotMeasureError


@dataclass(frozen=True, slots=True)
class Product:
    """`home` becomes MARROWLOOP_HOME; weights come from the repository alone, whatever the caller has."""

    home: Path

    def __call__(self, command: str, *words: str) -> dict[str, Any]:
        """Run `manage.py COMMAND WORDS --json`; returns what it answers. Raises CannotMeasureError where it fails."""
        told = {key: value for key, value in os.environ.items() if key not in {"MARROWLOOP_WEIGHTS", "DATABASE_URL"}}
        done = subprocess.run(
            [sys.executable, "manage.py", command, *words, "--json"],
            cwd=ROOT,
            env=told | {"MARROWLOOP_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotMeasureError(f"manage.py {command} failed with status {done.returncode}: see its words above")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def model_folder(self, label: str) -> Path:
        """Where the product keeps the model called `label` (t1, s1)."""
        found = sorted((self.home / "models").glob(f"*/{label}-*"))
        if not found:
            raise CannotMeasureError(f"the product keeps no model called {label}")
        return found[-1]
