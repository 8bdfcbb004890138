"""What a writer has written: the count that becomes manifest.json, and files into the archive."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import orjson

from annotation.formats.records import ExportObject

RESEARCH_USE = "Research use only. Not for use in diagnostic procedures."

_PIECE = 1 << 20
Told = Callable[[int], None]


@dataclass(slots=True)
class Written:
    """`converted` counts objects that another program sees as a weaker shape than they are (`circle to box`); the
    exact shape stands beside it. `label_files` has the SHA-256 of each."""

    format: str
    images: int = 0
    image_files: int = 0
    objects: int = 0
    per_class: Counter[str] = field(default_factory=Counter)
    per_shape: Counter[str] = field(default_factory=Counter)
    converted: Counter[str] = field(default_factory=Counter)
    label_files: dict[str, str] = field(default_factory=dict)

    def count(self, item: ExportObject, seen_as: str) -> None:
        self.objects += 1
        self.per_class[item.class_name] += 1
        self.per_shape[item.shape.kind] += 1
        if item.shape.kind != seen_as:
            self.converted[f"{item.shape.kind} to {seen_as}"] += 1


def manifest(written: Written, objects_in: int, **more: Any) -> bytes:
    """manifest.json of an export: `objects_in` is what the database holds; `more` (snapshot, project, licence...) is
    added as it is. Raises ValueError when not every object came out."""
    if objects_in != written.objects:
        raise ValueError(
            f"The export is not complete: {objects_in} objects went in, {written.objects} came out. Nothing was "
            "published; export again."
        )
    content = {
        "format": written.format,
        "images": written.images,
        "image_files": written.image_files,
        "objects_in": objects_in,
        "objects_out": written.objects,
        "per_class": dict(sorted(written.per_class.items())),
        "per_shape": dict(sorted(written.per_shape.items())),
        "converted": dict(sorted(written.converted.items())),
        "label_files": written.label_files,
        "notice": RESEARCH_USE,
        **more,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


class Hashed:
    """An entry of an archive that is written piece by piece and hashed on the way."""

    def __init__(self, archive: ZipFile, name: str) -> None:
        self._entry = archive.open(name, "w", force_zip64=True)
        self._sha256 = hashlib.sha256()

    def put(self, data: bytes) -> None:
        self._sha256.update(data)
        self._entry.write(data)

    def close(self) -> None:
        self._entry.close()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


def add_images(archive: ZipFile, folder: str, images: Iterable[tuple[str, Path]], told: Told | None = None) -> int:
    """Put image files in as they are: they are compressed already. The same file gives the same bytes at any time.

    `told` hears between any two pieces how many are in; an exception of it ends the writing.
    """
    count = 0
    for name, path in images:
        entry = ZipInfo(f"{folder}/{name}")
        entry.compress_type = ZIP_STORED
        entry.file_size = path.stat().st_size
        with path.open("rb") as source, archive.open(entry, "w") as target:
            while piece := source.read(_PIECE):
                if told is not None:
                    told(count)
                target.write(piece)
        count += 1
    if told is not None and count:
        told(count)
    return count
