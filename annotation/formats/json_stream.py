"""Lists out of a large JSON file, one entry at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import ijson

# Python's json writes NaN and Infinity, which are no JSON; both stand between a separator and a separator.
_NO_NUMBER = re.compile(rb"(?<=[\[:,\s])-?(?:NaN|Infinity)(?=[\],}\s])")
_LONGEST = len(b"-Infinity") + 1
_CHUNK = 1 << 18


class _WithoutNaN:
    """A file in which NaN and Infinity read as null, so that only the objects that hold them are lost."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        if size == 0:
            return b""
        chunk = self._file.read(max(size, _CHUNK))
        data = _NO_NUMBER.sub(b"null", self._rest + chunk)
        cut = len(data) - _LONGEST if chunk else len(data)
        self._rest = data[max(cut, 0) :]
        return data[: max(cut, 0)] or (self.read(size) if chunk else b"")


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A JSON file that was looked through once: which of the keys asked for stand in it, and whether NaN does."""

    path: Path
    keys: frozenset[str]
    holds_nan: bool

    @classmethod
    def look(cls, path: Path, keys: Iterable[str]) -> JsonFile:
        """Raises OSError where the file cannot be read. Keys are found wherever they stand, also in a broken file."""
        wanted = {key: re.compile(rb'"' + re.escape(key.encode()) + rb'"\s*:') for key in keys}
        found: set[str] = set()
        nan = False
        rest = b""
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                window = rest + chunk
                found |= {key for key, pattern in wanted.items() if key not in found and pattern.search(window)}
                nan = nan or bool((b"NaN" in window or b"Infinity" in window) and _NO_NUMBER.search(window))
                rest = chunk[-64:]
        return cls(path, frozenset(found), nan)

    def items(self, key: str) -> Iterator[Any]:
        """The entries of the list under the outermost `key`. Raises ValueError where the file is no JSON."""
        with self.path.open("rb") as file:
            if file.read(3) != b"\xef\xbb\xbf":  # a byte order mark is gone past
                file.seek(0)
            try:
                yield from ijson.items(_WithoutNaN(file) if self.holds_nan else file, f"{key}.item", use_float=True)
            except ijson.JSONError as error:
                raise ValueError(" ".join(str(error).split())[:200]) from error
