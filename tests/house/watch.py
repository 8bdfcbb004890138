"""Runs a command of the product and tells what it wrote outside MARROWLOOP_HOME, and which machines it called."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.house.processes import ROOT

QUIET = ["ORT_DISABLE_TELEMETRY", "YOLO_OFFLINE", "YOLO_CONFIG_DIR", "MPLCONFIGDIR"]
SYSTEM = ["/dev", "/proc"]  # null, shared memory, a process's own settings: no files of anybody


@dataclass(frozen=True)
class Watched:
    """How the command ended, and its strays: writes elsewhere and calls to other machines, one line each."""

    done: subprocess.CompletedProcess[str]
    strays: list[str]


def run_watched(command: list[str], folder: Path, timeout: float = 120) -> Watched:
    """Runs `manage.py command` with all folders of its user inside `folder`; the data folder is `folder`/data.

    A temporary file is fine when it is gone at the end. What C code writes past Python shows as a file in one
    of the folders of the user.
    """
    places = {"MARROWLOOP_HOME": "data", "HOME": "home", "XDG_CACHE_HOME": "cache", "TMPDIR": "tmp"}
    for name in places.values():
        (folder / name).mkdir(exist_ok=True)
    log = folder / "strays.txt"
    log.unlink(missing_ok=True)
    # What a package does only outside tests and continuous integration must show here too.
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", *QUIET} and "PYTEST" not in name}
    env = {
        **kept,
        **{variable: str(folder / name) for variable, name in places.items()},
        "PYTHONPATH": str(Path(__file__).parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MARROWLOOP_WATCH_LOG": str(log),
        "MARROWLOOP_WATCH_ALLOWED": os.pathsep.join([str(folder / "data"), str(folder / "tmp"), str(log), *SYSTEM]),
    }
    full = [sys.executable, str(ROOT / "manage.py"), *command]
    done = subprocess.run(
        full, cwd=folder / "home", env=env, capture_output=True, text=True, check=False, timeout=timeout
    )
    left = [str(path) for name in ("home", "cache", "tmp") for path in (folder / name).rglob("*")]
    return Watched(done, sorted(set(log.read_text().splitlines())) + left)
