"""Where a training starts from: weights of the project's own folder, else the starter weights, else nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings as config


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
