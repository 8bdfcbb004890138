"""Questions asked of a fresh Python process, where nothing has been imported yet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def ask(code: str, home: Path, env: Mapping[str, str] | None = None, *, seconds: float = 120) -> Any:
    """Runs `code` in a fresh process with its own data folder; returns the JSON of the last line it prints.

    Raises AssertionError with the process's error text when it fails.
    """
    told = {**os.environ, "MARROWLOOP_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", **(env or {})}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=told, capture_output=True, text=True, check=False, timeout=seconds
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
