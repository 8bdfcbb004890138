"""What an engineer sets for a round, as one typed value that is kept with the round and its runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Artefacts = Literal["own", "background", "cell"]


@dataclass(frozen=True, slots=True)
class RoundSettings:
    """`tile` is the side in working pixels that the network sees; 0 epochs or batch mean: choose for machine and data.

    `artefacts`: smudges and artefacts are learned as classes of their own, as background, or as the class `cell`
    (METHODS section 1). `anms`: a box of which more than this share lies within a larger one is dropped (0 is off).
    `pseudo` is the share of pseudo-labelled pool fields beside the labelled ones in a student's training.
    """

    teacher: str = "auto"
    student: str = "yolo26n"
    tile: int = 320
    epochs: int = 0
    student_epochs: int = 0
    batch: int = 0
    budget: int = 20
    strategy: str = "hybrid"
    seed: int = 0
    device: str = "auto"
    artefacts: Artefacts = "own"
    min_cells: int = 30
    pseudo: float = 1.0
    patience: int = 0
    anms: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tile", "epochs", "student_epochs", "batch", "seed", "patience", "pseudo"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it cannot be below zero")
        if self.budget < 1:
            raise ValueError(f"budget is {self.budget}: ask for at least one field")
        if self.anms and not 0.5 <= self.anms <= 1:
            raise ValueError(f"anms is {self.anms}: it is 0, which is off, or a share from 0.5 to 1")
        if self.tile % 32 or not 32 <= self.tile <= 2048:
            raise ValueError(f"tile is {self.tile}: it must be a multiple of 32 from 32 to 2048")


def to_row(settings: RoundSettings) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(settings)
    return row


def from_row(row: dict[str, Any]) -> RoundSettings:
    """Raises msgspec.ValidationError, which names the setting that is wrong."""
    return msgspec.convert(row, RoundSettings)
