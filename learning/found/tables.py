"""Three tables in a model's folder: fields, their labels, and what was found on them. Opened in no time, read in parts.

They are plain arrays on the disk, mapped and not loaded: a page that shows one field reads the few rows of that field.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from annotation import store
from models_zoo.metrics import Calibrator

Rows = NDArray[np.void]
Ints = NDArray[np.intp]

FOLDER = "found"
VERSION = 1

# Instead of an output of the network: the label makes no claim, or counts as background (an artefact).
NO_CLAIM, BACKGROUND = -1, -2
# Instead of a row: none.
NONE = -1

# `labels` and `detections` of a field are the rows from its own start up to that of the field after it.
FIELD = np.dtype(
    [
        ("field", "<i8"),
        ("reading", "<i8"),
        ("split", "u1"),
        ("case", "<i4"),
        ("labels", "<i8"),
        ("detections", "<i8"),
    ]
)
# `best`: the highest score of a detection that covers the label (IoU at least NEAR), of whatever class.
# `clear`: how plainly the label is a whole cell of usual size, 0 to 1.
LABEL = np.dtype(
    [
        ("uuid", "V16"),
        ("box", "<f4", 4),
        ("number", "<i4"),
        ("output", "<i2"),
        ("best", "<f4"),
        ("clear", "<f4"),
    ]
)
# Sorted by falling score within a field. `match`: the label it stands for, whatever the classes (IoU at least 0.5, one
# to one). `near`: the label it covers most (IoU at least NEAR). Both are rows of the table of labels. `said`: its score
# for the class of the label that it stands for. `counted`: it is judged (not at a place that makes no claim).
DETECTION = np.dtype(
    [
        ("box", "<f4", 4),
        ("score", "<f4"),
        ("output", "<i2"),
        ("match", "<i4"),
        ("near", "<i4"),
        ("said", "<f4"),
        ("counted", "?"),
    ]
)
TABLES = {"fields": FIELD, "labels": LABEL, "detections": DETECTION}

SPLITS = ("training", "validation", "tuning", "test")
NEAR = 0.3


@dataclass(frozen=True, slots=True)
class About:
    """`numbers` and `names`: the classes of the outputs. `looked`: by split, fields looked at and fields there were."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    threshold: float
    slope: float
    intercept: float
    looked: dict[str, tuple[int, int]]
    version: int = VERSION

    @property
    def calibrator(self) -> Calibrator:
        return Calibrator(self.slope, self.intercept)


@dataclass(frozen=True, slots=True)
class Found:
    """The three tables. `fields` has one row more than there are fields: it tells where the last one ends."""

    about: About
    fields: Rows
    labels: Rows
    detections: Rows

    def __len__(self) -> int:
        return len(self.fields) - 1

    @classmethod
    def open(cls, model_folder: Path) -> Self | None:
        """None where nothing was kept, or by a version of this module that is not known any more."""
        place = model_folder / FOLDER
        if not all((place / name).exists() for name in ("about.json", *(f"{table}.npy" for table in TABLES))):
            store.fetch_folder(place)
        try:
            about = msgspec.json.decode((place / "about.json").read_bytes(), type=About)
            tables = {name: np.load(place / f"{name}.npy", mmap_mode="r") for name in TABLES}
        except (OSError, ValueError, msgspec.DecodeError):
            return None
        fits = about.version == VERSION and all(tables[name].dtype == kind for name, kind in TABLES.items())
        return cls(about, **tables) if fits and len(tables["fields"]) else None

    def save(self, model_folder: Path) -> None:
        """The note about them is written last: without it there are no tables."""
        place = model_folder / FOLDER
        place.mkdir(parents=True, exist_ok=True)
        (place / "about.json").unlink(missing_ok=True)
        for name in TABLES:
            np.save(place / f"{name}.npy", getattr(self, name))
        (place / "about.json").write_bytes(msgspec.json.encode(asdict(self.about)))

    def row_of(self, field: int) -> int | None:
        """The row of the field with that id."""
        rows = np.flatnonzero(self.fields["field"][:-1] == field)
        return int(rows[0]) if len(rows) else None

    def labels_of(self, row: int) -> slice:
        return slice(int(self.fields["labels"][row]), int(self.fields["labels"][row + 1]))

    def detections_of(self, row: int) -> slice:
        return slice(int(self.fields["detections"][row]), int(self.fields["detections"][row + 1]))

    def owners(self, table: str) -> Ints:
        """For each row of `labels` or `detections`: the row of its field."""
        return np.repeat(np.arange(len(self)), np.diff(self.fields[table]))

    def in_splits(self, splits: set[str]) -> NDArray[np.bool_]:
        """For each field: whether it is in one of `splits`."""
        return np.isin(self.fields["split"][:-1], [SPLITS.index(split) for split in splits])

    def shown(self) -> NDArray[np.bool_]:
        """For each detection: judged, and at or above the threshold."""
        result: NDArray[np.bool_] = self.detections["counted"] & (self.detections["score"] >= self.about.threshold)
        return result

    def hit(self, shown: NDArray[np.bool_]) -> Ints:
        """For each label: the shown detection that stands for it, or NONE."""
        result = np.full(len(self.labels), NONE, np.intp)
        taking = np.flatnonzero(shown & (self.detections["match"] >= 0))
        result[self.detections["match"][taking]] = taking
        return result


def plain(value: Any) -> list[float]:
    """A box of a table as numbers."""
    return [round(float(part), 2) for part in value]
