"""Where a training starts from: weights of the project's own folder, else the starter weights, else nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings as config

# The starter detector: its network, and the side of the pictures it learned from.
STARTER = "yolo26n"
STARTER_TILE = 320


@dataclass(frozen=True, slots=True)
class Start:
    """A weights file and where it comes from in words; None: the architecture alone."""

    file: Path | None
    origin: str


def find_weights(variant: str) -> Start:
    """MARROWLOOP_WEIGHTS, then the starter weights in the repository, then scratch.

    ultralytics' own download is left to an administrator: a run never reaches for the network, so files it can
    fetch are put into MARROWLOOP_WEIGHTS by hand once.
    """
    own = config.WEIGHTS_DIR / f"{variant}.pt"
    if own.is_file():
        return Start(own, f"{own.name} from MARROWLOOP_WEIGHTS")
    starter = starter_weights(variant)
    if starter is not None:
        return Start(starter, "starter weights (trained on generated fields)")
    return Start(None, "scratch")


def starter_weights(variant: str) -> Path | None:
    file = config.STARTER_WEIGHTS_DIR / f"{variant}.pt"
    return file if file.is_file() else None


def there_are() -> frozenset[str]:
    """The variants that have weights to start from."""
    folders = (config.WEIGHTS_DIR, config.STARTER_WEIGHTS_DIR)
    return frozenset(file.stem for folder in folders if folder.is_dir() for file in folder.glob("*.pt"))


def starter_onnx() -> Path | None:
    """The starter detector as an ONNX file, made on first use in a process of its own; None: there are no weights.

    Raises ValueError when it cannot be made.
    """
    weights = starter_weights(STARTER)
    if weights is None:
        return None
    onnx: Path = config.MODELS_DIR / "starter" / f"{weights.stem}.onnx"
    if onnx.exists() and onnx.stat().st_mtime >= weights.stat().st_mtime:
        return onnx
    command = [sys.executable, "-m", "models_zoo", "export", str(weights), str(onnx), "--variant", STARTER]
    done = subprocess.run(command, cwd=config.BASE_DIR, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"the starter weights could not be made ready: {done.stderr.strip()[-300:]}")
    return onnx


def starter_classes() -> tuple[str, ...]:
    """The classes that the starter detector tells apart; none where there are no starter weights."""
    weights = starter_weights(STARTER)
    card = weights.with_suffix(".json") if weights else None
    return tuple(json.loads(card.read_text())["classes"]) if card and card.is_file() else ()
