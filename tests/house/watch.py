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
PLACES = {"MARROWLOOP_HOME": "data", "HOME": "home", "TMPDIR": "tmp"}


@dataclass(frozen=True)
class Watched:
    """How the command ended, and its strays: writes elsewhere and calls to other machines, one line each."""

    done: subprocess.CompletedProcess[str]
    strays: list[str]


def watched_environment(folder: Path) -> dict[str, str]:
    """An environment with all folders of the user inside `folder`, whose processes note their strays in a file there.

    The data folder is `folder`/data; calls to other machines fail, as on a machine without a network.
    """
    for name in PLACES.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    log = folder / "strays.txt"
    log.unlink(missing_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if is_kept(name)},
        **{variable: str(folder / name) for variable, name in PLACES.items()},
        "PYTHONPATH": str(Path(__file__).parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MARROWLOOP_WATCH_LOG": str(log),
        "MARROWLOOP_WATCH_ALLOWED": os.pathsep.join([str(folder / "data"), str(folder / "tmp"), str(log), *SYSTEM]),
    }


def is_kept(name: str) -> bool:
    """What a package does only outside tests and continuous integration must show here too."""
    return name not in {"CI", "DATABASE_URL", "REDIS_URL", *QUIET} and "PYTEST" not in name and name[:4] != "XDG_"


def strays_in(folder: Path) -> list[str]:
    """What was noted, and what lies where nothing should: C code writes past Python."""
    left = [str(path) for name in ("home", "tmp") for path in (folder / name).rglob("*")]
    return sorted(set((folder / "strays.txt").read_text().splitlines())) + left


def run_watched(command: list[str], folder: Path, timeout: float = 120) -> Watched:
    """Runs `manage.py command` in `watched_environment(folder)`. A temporary file is fine if it is gone at the end."""
    full = [sys.executable, str(ROOT / "manage.py"), *command]
    env = watched_environment(folder)
    done = subprocess.run(
        full, cwd=folder / "home", env=env, capture_output=True, text=True, check=False, timeout=timeout
    )
    return Watched(done, strays_in(folder))
