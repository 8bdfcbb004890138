"""What a classifier said of each cell that it was judged on: kept beside its weights, read for its mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from annotation import store
from annotation.actions.snapshots import FrozenReading
from learning.exchange import ClassPlan

FILE = "judged.json"


class JudgedCell(msgspec.Struct, frozen=True, array_like=True):
    """`truth` and `said` are outputs of the classifier; `score` is how sure it was of what it said."""

    uuid: str
    truth: int
    said: int
    score: float


def judged_cells(
    readings: Sequence[FrozenReading], plan: ClassPlan, labels: NDArray[np.intp], scores: NDArray[np.floating]
) -> list[JudgedCell]:
    """One for each cell of `readings` that `plan` makes a target of, in that order: `labels` (n,), `scores`
    (n, classes). Cells of no claim are left out."""
    cells = [cell for reading in readings for cell in reading.cells if plan.output[cell.number] is not None]
    if len(cells) != len(labels):
        raise ValueError(f"{len(labels)} labels for {len(cells)} cells")
    said, best = scores.argmax(1), scores.max(1)
    return [
        JudgedCell(cell.uuid, int(labels[row]), int(said[row]), round(float(best[row]), 4))
        for row, cell in enumerate(cells)
        if labels[row] >= 0
    ]


def write_judged(folder: Path, judged: Mapping[str, Sequence[JudgedCell]]) -> None:
    (folder / FILE).write_bytes(msgspec.json.encode(dict(judged)))


def mistakes(folder: Path, split: str, truth: int | None = None, said: int | None = None) -> list[JudgedCell] | None:
    """The cells of `split` that were given another class, the surest first; None where that was not kept, or cannot be
    read any more."""
    try:
        kept = msgspec.json.decode(store.fetch(folder / FILE).read_bytes(), type=dict[str, list[JudgedCell]])
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    wrong = [
        one
        for one in kept.get(split, [])
        if one.truth != one.said and truth in (None, one.truth) and said in (None, one.said)
    ]
    return sorted(wrong, key=lambda one: (-one.score, one.uuid))
