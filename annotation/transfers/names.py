"""Names of files as browsers send them, made fit for a disk. Pure."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

# Longest name of one part, in bytes: file systems take 255, and an ending may be added.
PART_BYTES = 200
DEEPEST = 8
LONGEST = 300
_FORBIDDEN = frozenset('<>:"|?*')
_EMPTY = "file"


def safe_name(name: str) -> str:
    """A relative path of plain parts: no root, no `..`, nothing hidden, no control characters, no long parts.

    Folders are kept, because label files find their images by them. Never empty.
    """
    parts = [_part(part) for part in unicodedata.normalize("NFC", name).replace("\\", "/").split("/")]
    kept = [part for part in parts if part][-DEEPEST:]
    return "/".join(kept) or _EMPTY


def _part(text: str) -> str:
    plain = "".join("_" if char in _FORBIDDEN else char for char in text if _printable(char))
    plain = plain.strip().lstrip(".").rstrip(". ")
    if len(plain.encode()) <= PART_BYTES:
        return plain
    suffix = PurePosixPath(plain).suffix[:20]
    return plain.encode()[: PART_BYTES - len(suffix.encode())].decode(errors="ignore") + suffix


def _printable(char: str) -> bool:
    """Neither a control character, nor one that turns the direction of writing, nor half of a pair."""
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def beside(name: str, number: int) -> str:
    """The name of a second file of the same name: scan.png, scan (2).png."""
    path = PurePosixPath(name)
    return path.with_name(f"{path.stem} ({number}){path.suffix}").as_posix()
