"""A data set as a folder, whether it came as a folder or as an archive; and a folder to work in that cleans up."""

from __future__ import annotations

import fcntl
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from tarfile import TarError
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from annotation.errors import Refused

MAX_FILES = 2_000_000
# A picture or text file packs ten times, not two hundred: beyond that an archive is made to fill a disk.
MAX_RATIO = 200
HARMLESS = 100_000_000
PIECE = 1 << 20

Tick = Callable[[], None]


@contextmanager
def scratch_folder(under: Path, purpose: str) -> Iterator[Path]:
    """A folder of one's own, removed afterwards; folders that killed processes left behind are removed first.

    Each is locked by its process for as long as that lives, so a folder without a lock belongs to nobody.
    """
    under.mkdir(parents=True, exist_ok=True)
    with (under / f"{purpose}.lock").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        for left in under.glob(f"{purpose}-*"):
            if not _in_use(left):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=under))
        lock = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with lock:
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_use(folder: Path) -> bool:
    try:
        with (folder / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def opened(path: Path, scratch: Path, tick: Tick | None = None) -> Iterator[Path]:
    """The folder (or COCO's .json) at `path`, or what the archive there holds, unpacked under `scratch` meanwhile.

    Raises Refused when there is neither, or when the archive is broken or would write outside its folder.
    """
    if path.is_dir() or (path.is_file() and path.suffix.lower() == ".json"):
        yield path
        return
    if not path.is_file():
        raise Refused(f"There is nothing at {path}: give a folder, a .zip, or a .json of COCO.")
    target = scratch / "unpacked"
    try:
        unpack(path, target, path.name, tick)
        yield inner(target)
    finally:
        shutil.rmtree(target, ignore_errors=True)


def unpack(path: Path, target: Path, name: str, tick: Tick | None = None) -> None:
    """Unpack the zip or tar (also packed by gzip, bzip2 or xz) at `path`, which people call `name`, into `target`.

    `tick` is called between pieces and may raise. Raises Refused for what is broken or made to do harm.
    """
    target.mkdir(parents=True)
    tick = tick or _no_tick
    try:
        if zipfile.is_zipfile(path):
            _unpack_zip(path, target, name, tick)
        elif tarfile.is_tarfile(path):
            _unpack_tar(path, target, name, tick)
        else:
            raise Refused(f"{name} is not a .zip: give a folder, a .zip or .tar.gz, or a .json of COCO.")
    except (BadZipFile, TarError, LZMAError, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Refused(f"{name} cannot be unpacked: {error}") from error


def _no_tick() -> None:
    """Nobody stops it."""


def _unpack_zip(path: Path, target: Path, name: str, tick: Tick) -> None:
    with ZipFile(path) as archive:
        entries = archive.infolist()
        _check_zip(name, entries, target)
        for entry in entries:
            tick()
            place = _place(name, entry.filename, target)
            if entry.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                with archive.open(entry) as source:
                    _copy(source, place, entry.file_size, tick)


def _check_zip(name: str, entries: list[ZipInfo], target: Path) -> None:
    whole, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_FILES:
        raise Refused(f"{name} holds {len(entries)} files; at most {MAX_FILES} are unpacked: unpack it yourself.")
    _check_size(name, whole, packed, target)
    for entry in entries:
        _place(name, entry.filename, target)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Refused(f"{name} holds the link {entry.filename!r}: pack the files themselves.")


def _check_size(name: str, whole: int, packed: int, target: Path) -> None:
    if whole > HARMLESS and whole > MAX_RATIO * max(1, packed):
        raise Refused(f"{name} would unpack to {whole / 1e9:.1f} GB from {packed / 1e6:.1f} MB: unpack it yourself.")
    if whole > shutil.disk_usage(target).free:
        raise Refused(f"{name} needs {whole / 1e9:.1f} GB, and the disk has less.")


def _unpack_tar(path: Path, target: Path, name: str, tick: Tick) -> None:
    """A tar does not say beforehand what it holds, so it is counted on the way."""
    packed, whole = path.stat().st_size, 0
    with tarfile.open(path) as archive:
        for number, entry in enumerate(archive, start=1):
            tick()
            whole += entry.size
            if number > MAX_FILES:
                raise Refused(f"{name} holds more than {MAX_FILES} files: unpack it yourself.")
            _check_size(name, whole, packed, target)
            place = _place(name, entry.name, target)
            if entry.isdir():
                place.mkdir(parents=True, exist_ok=True)
            elif entry.isreg() and (source := archive.extractfile(entry)) is not None:
                _copy(source, place, entry.size, tick)
            else:
                raise Refused(f"{name} holds the link {entry.name!r}: pack the files themselves.")


def _place(name: str, inside: str, target: Path) -> Path:
    """Where an entry goes. Raises Refused when that is not below `target`."""
    path = PurePosixPath(inside.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\x00" in inside:
        raise Refused(f"{name} holds {inside!r}, which would be written outside of its folder.")
    return target / path


def _copy(source: IO[bytes], place: Path, size: int, tick: Tick) -> None:
    """At most `size` bytes, whatever the archive goes on to give."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as out:
        while size > 0 and (piece := source.read(min(size, PIECE))):
            tick()
            size -= len(piece)
            out.write(piece)
        if source.read(1):
            raise BadZipFile(f"{place.name} is longer than it says")


def inner(target: Path) -> Path:
    """Most archives wrap everything in one folder, which is then the data set."""
    inside = [entry for entry in target.iterdir() if entry.name != "__MACOSX" and not entry.name.startswith(".")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target
