"""Plain images, in any tree of folders: fields for the pool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from annotation.formats.folder import DataFolder, unlabelled
from annotation.formats.records import Fault, FieldRecord, ReadOptions


def read(root: Path, options: ReadOptions) -> Iterator[FieldRecord | Fault]:  # noqa: ARG001 (all readers are called alike)
    """Every image below `root`, unlabelled."""
    folder = DataFolder.scan(root)
    yield from folder.refused
    for file in folder.pictures():
        yield unlabelled(folder, file)
