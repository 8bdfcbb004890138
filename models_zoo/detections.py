"""What a detector found on one field, and a file that holds it for many fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detections:
    """`boxes` (n, 4) as x0, y0, x1, y1 in field pixels, `scores` (n, classes) each in 0..1, `features` (n, d)."""

    boxes: Floats
    scores: Floats
    features: Floats

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def labels(self) -> NDArray[np.intp]:
        """(n,) index of the highest class."""
        return self.scores.argmax(1) if self.scores.size else np.zeros(len(self), np.intp)

    @property
    def top(self) -> Floats:
        """(n,) score of the highest class."""
        return self.scores.max(1) if self.scores.size else np.zeros(len(self), np.float32)

    def __getitem__(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Detections:
        return Detections(self.boxes[keep], self.scores[keep], self.features[keep])


def nothing(classes: int, width: int = 0) -> Detections:
    return Detections(
        np.zeros((0, 4), np.float32), np.zeros((0, classes), np.float32), np.zeros((0, width), np.float32)
    )


def save(path: Path, found: Mapping[str, Detections]) -> None:
    """Write `found` (field key to detections) to one .npz, whole or not at all."""
    arrays: dict[str, NDArray[np.generic]] = {"keys": np.array(list(found), dtype=np.str_)}
    for number, item in enumerate(found.values()):
        arrays |= {f"boxes{number}": item.boxes, f"scores{number}": item.scores, f"features{number}": item.features}
    part = path.with_name(path.name + ".part")
    with part.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # numpy types the keyword allow_pickle into **arrays
    part.replace(path)


def load(path: Path) -> dict[str, Detections]:
    with np.load(path, allow_pickle=False) as arrays:
        keys = [str(key) for key in arrays["keys"]]
        return {
            key: Detections(arrays[f"boxes{n}"], arrays[f"scores{n}"], arrays[f"features{n}"])
            for n, key in enumerate(keys)
        }
