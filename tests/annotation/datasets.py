"""Small data sets on disk, and the bookkeeping that every reader must pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from annotation.formats.check import sift
from annotation.formats.records import Fault, FieldRecord, ObjectRecord, ReadOptions
from annotation.formats.registry import read

WIDTH, HEIGHT = 100, 80


def image(path: Path, width: int = WIDTH, height: int = HEIGHT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (210, 160, 190)).save(path)
    return path


def text(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def mask(path: Path, pixels: Sequence[Sequence[int]] | np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path)
    return path


class Taken:
    """What one reading gave: records, good objects and all faults after the check against the image's size."""

    def __init__(self, root: Path, fmt: str, options: ReadOptions | None = None) -> None:
        self.records: list[FieldRecord] = []
        self.objects: list[ObjectRecord] = []
        self.faults: list[Fault] = []
        for item in read(root, fmt, options):
            if isinstance(item, Fault):
                self.faults.append(item)
                continue
            self.records.append(item)
            good, refused = sift(item, *self.size(item))
            self.objects += good
            self.faults += [*item.faults, *refused]

    @staticmethod
    def size(record: FieldRecord) -> tuple[int, int]:
        if record.image is None:
            return WIDTH, HEIGHT
        with Image.open(record.image) as opened:
            return opened.size

    @property
    def objects_in(self) -> int:
        """What is stored and what is lost together must be all that the files held."""
        return len(self.objects) + sum(fault.lost_objects for fault in self.faults)

    @property
    def told(self) -> list[tuple[str, int | None, str]]:
        return [(fault.file, fault.index, fault.reason) for fault in self.faults]
