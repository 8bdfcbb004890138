"""The files of an upload as a data set: by their names again, archives unpacked, in a folder that goes away."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from annotation import store
from annotation.archives import inner, unpack
from annotation.errors import Refused
from annotation.formats.folder import PICTURES, DataFolder, suffix_of
from annotation.formats.records import Fault
from annotation.models import Transfer, Upload
from annotation.transfers import content
from annotation.transfers.names import beside

Tick = Callable[[], None]
_ENDING = re.compile(r"\.(?:zip|tar|tgz|tar\.\w+|gz)$", re.IGNORECASE)

# What each format reads, beside pictures. A file of another kind is named, not passed over in silence.
READS: dict[str, frozenset[str]] = {
    "coco": frozenset({".json"}),
    "voc": frozenset({".xml", ".txt"}),
    "yolo": frozenset({".txt", ".yaml", ".yml", ".names"}),
    "points": frozenset({".txt", ".csv", ".toml"}),
    "masks": frozenset({".csv", ".toml"}),
    "crops": frozenset(),
    "images": frozenset(),
}


@dataclass(slots=True)
class LaidOut:
    """`root` is the data set. `faults`: files that were refused before any reader saw them."""

    root: Path
    faults: list[Fault] = field(default_factory=list)


def lay_out(transfer: Transfer, scratch: Path, tick: Tick) -> LaidOut:
    """Bring the received files of `transfer` to a folder under `scratch`; the originals stay as they are.

    A lone archive is the data set itself; of several files each archive is a folder. A broken one is a fault.
    """
    root = scratch / "data"
    root.mkdir(parents=True)
    faults = [Fault(row.name, None, row.fault, 0) for row in transfer.uploads.exclude(fault="")]
    rows = list(transfer.uploads.filter(fault="", completed_at__isnull=False))
    alone = len(rows) == 1
    for row in rows:
        tick()
        try:
            _bring(transfer, row, root, alone=alone, tick=tick)
        except Refused as refusal:
            faults.append(Fault(row.name, None, str(refusal), 0))
        except FileNotFoundError:
            faults.append(Fault(row.name, None, "The file is gone from the server's disk: upload it again.", 0))
    return LaidOut(inner(root) if alone else root, faults)


def _bring(transfer: Transfer, row: Upload, root: Path, *, alone: bool, tick: Tick) -> None:
    source = store.fetch(transfer.folder / "files" / str(row.uuid))
    with source.open("rb") as stream:
        kind = content.look(stream.read(content.HEAD_BYTES))
    if kind.kind is content.Kind.ARCHIVE:
        target = root / "archive" if alone else _free(root, _ENDING.sub("", row.name) or "archive")
        _unpacked(source, target, row.name, tick)
        return
    target = _free(root, content.fitting_name(kind, row.name))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _unpacked(source: Path, target: Path, name: str, tick: Tick) -> None:
    """Whole or not at all; the folder that archives wrap everything in is left away."""
    part = target.with_name(f".{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        unpack(source, part, name, tick)
        inner(part).replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _free(root: Path, name: str) -> Path:
    """A path below `root` that nothing has: a file may be called as another's folder is."""
    taken, number = name, 2
    while (root / taken).exists() or any((root / parent).is_file() for parent in PurePosixPath(taken).parents):
        taken, number = beside(name, number) if (root / taken).exists() else f"{number}/{name}", number + 1
    return root / taken


def passed_over(root: Path, fmt: str) -> list[Fault]:
    """The files that the reader of `fmt` does not look at."""
    if root.is_file():
        return []
    known = PICTURES | READS.get(fmt, frozenset())
    return [
        Fault(file, None, f"is not looked at in a data set of the format {fmt}", 0)
        for file in DataFolder.scan(root).files
        if suffix_of(file) not in known
    ]
