"""A backup as one file: a ZIP with the rows of each table, the files of the data folder, and a manifest at its end.

    rows/TABLE.jsonl       see learning.keeping.rows
    files/PATH             as below the data folder
    manifest.json          what was written: rows and hash of each table, bytes and hash of each file

The manifest is written last and the archive renamed into place after that: one that has it was written whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Self

import msgspec

from annotation.errors import Refused

VERSION = 1
MANIFEST = "manifest.json"
PIECE = 1 << 20
# What a damaged archive makes zipfile raise.
BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, RuntimeError, NotImplementedError)

Told = Callable[[int], None]


class TableEntry(msgspec.Struct, frozen=True):
    columns: list[str]
    rows: int
    sha256: str


class FileEntry(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """`migrations`: applied ones by app. `last_numbers`: see rows. `faults`: what was wrong with the installation."""

    version: int
    made_at: str
    engine: str
    migrations: list[tuple[str, str]]
    tables: dict[str, TableEntry]
    last_numbers: dict[str, int]
    files: dict[str, FileEntry]
    left_out: list[str]
    faults: list[str]

    @property
    def rows(self) -> int:
        return sum(entry.rows for entry in self.tables.values())

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.files.values())


class ArchiveError(Refused):
    """An archive cannot be used; the text says what is wrong with it."""


class Writer:
    """Writes an archive beside its place; `finish` lays the manifest in and renames it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Patients' pictures and the secret of the sessions: for its owner alone, from the first byte.
        descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._stream = os.fdopen(descriptor, "w+b")
        self._zip = zipfile.ZipFile(self._stream, "w")
        self.tables = dict[str, TableEntry]()
        self.files = dict[str, FileEntry]()

    def add_table(self, name: str, columns: list[str], lines: Iterator[bytes]) -> None:
        digest, rows = hashlib.sha256(), 0
        entry = _entry(f"rows/{name}.jsonl", zipfile.ZIP_DEFLATED)
        with self._zip.open(entry, "w", force_zip64=True) as out:
            for line in lines:
                out.write(line)
                digest.update(line)
                rows += 1
        self.tables[name] = TableEntry(columns, rows, digest.hexdigest())

    def add_file(self, name: str, source: Path) -> FileEntry | None:
        """What `source` holds now. None: it has just gone, as the working files of a run do."""
        try:
            stream = source.open("rb")
        except FileNotFoundError:
            return None
        digest, size = hashlib.sha256(), 0
        with stream, self._zip.open(_entry(f"files/{name}", zipfile.ZIP_STORED), "w", force_zip64=True) as out:
            while piece := stream.read(PIECE):
                out.write(piece)
                digest.update(piece)
                size += len(piece)
        made = self.files[name] = FileEntry(size, digest.hexdigest())
        return made

    def finish(self, manifest: Manifest) -> None:
        self._zip.writestr(_entry(MANIFEST, zipfile.ZIP_DEFLATED), json.dumps(msgspec.to_builtins(manifest), indent=1))
        self._zip.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._part.replace(self.path)

    def abandon(self) -> None:
        """Leave nothing; after `finish` there is nothing to leave."""
        self._part.unlink(missing_ok=True)


def _entry(name: str, method: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type, entry.external_attr = method, 0o600 << 16
    return entry


class Reader:
    """An archive that is there and has its manifest. Raises ArchiveError, in words for people, when it is faulty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise ArchiveError(f"There is no file {path}.")
        try:
            self._zip = zipfile.ZipFile(path)
            content = self._zip.read(MANIFEST)
        except KeyError:
            raise ArchiveError(f"{path.name} is a ZIP file, but no backup of Marrowloop: it has no manifest.") from None
        except BROKEN as error:
            raise ArchiveError(f"{path.name} is cut off or no backup: {error}. Take another one.") from error
        try:
            version = json.loads(content)["version"]
            if version != VERSION:
                raise ArchiveError(f"{path.name} is an archive of form {version}, and this Marrowloop reads {VERSION}.")
            self.manifest = msgspec.json.decode(content, type=Manifest)
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveError(f"The manifest of {path.name} cannot be read: {error}. Take another backup.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def verify(self, told: Told | None = None) -> None:
        """Read all of it: each table's rows and hash, each file's bytes and hash, and nothing that is not listed."""
        listed = {MANIFEST, *map(_rows, self.manifest.tables), *map(_file, self.manifest.files)}
        inside = set(self._zip.namelist())
        if inside != listed:
            odd = ", ".join(sorted(inside ^ listed)[:3])
            raise ArchiveError(f"{self.path.name} does not hold what its manifest says: {odd}. Take another backup.")
        for name, table in self.manifest.tables.items():
            lines, digest = 0, hashlib.sha256()
            for line in self.rows(name):
                lines += 1
                digest.update(line)
            if (lines, digest.hexdigest()) != (table.rows, table.sha256):
                raise self._damaged(f"the rows of {name}")
        for done, (name, file) in enumerate(self.manifest.files.items(), start=1):
            _check_name(name)
            size, digest = 0, hashlib.sha256()
            for piece in self.pieces(name):
                size += len(piece)
                digest.update(piece)
            if (size, digest.hexdigest()) != (file.size, file.sha256):
                raise self._damaged(name)
            if told is not None:
                told(done)

    def rows(self, table: str) -> Iterator[bytes]:
        with self._opened(_rows(table)) as stream:
            yield from stream

    def pieces(self, name: str) -> Iterator[bytes]:
        with self._opened(_file(name)) as stream:
            while piece := stream.read(PIECE):
                yield piece

    @contextmanager
    def _opened(self, entry: str) -> Iterator[Any]:
        try:
            with self._zip.open(entry) as stream:
                yield stream
        except BROKEN as error:
            raise self._damaged(entry) from error

    def _damaged(self, what: str) -> ArchiveError:
        return ArchiveError(f"{self.path.name} is damaged: {what} is not as it was written. Take another backup.")


def _rows(table: str) -> str:
    return f"rows/{table}.jsonl"


def _file(name: str) -> str:
    return f"files/{name}"


def _check_name(name: str) -> None:
    """An archive may come from anywhere: nothing is written outside the data folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name:
        raise ArchiveError(f"The archive holds a file that would lie outside the data folder: {name}.")
