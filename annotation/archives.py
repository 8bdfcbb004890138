"""A data set as a folder, whether it came as a folder or as a zip; and a folder to work in that cleans up."""

from __future__ import annotations

import fcntl
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from annotation.errors import Refused

MAX_FILES = 2_000_000
# A picture or text file packs ten times, not two hundred: beyond that an archive is made to fill a disk.
MAX_RATIO = 200


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
def opened(path: Path, scratch: Path) -> Iterator[Path]:
    """The folder (or COCO's .json) at `path`, or what the zip there holds, unpacked under `scratch` while it is used.

    Raises Refused when there is neither, or when the archive is broken or would write outside its folder.
    """
    if path.is_dir() or (path.is_file() and path.suffix.lower() == ".json"):
        yield path
        return
    if not path.is_file():
        raise Refused(f"There is nothing at {path}: give a folder, a .zip, or a .json of COCO.")
    if not zipfile.is_zipfile(path):
        raise Refused(f"{path.name} is not a .zip: give a folder, a .zip, or a .json of COCO.")
    target = scratch / "unpacked"
    try:
        _unpack(path, target)
        yield _inner(target)
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _unpack(path: Path, target: Path) -> None:
    target.mkdir(parents=True)
    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
            _check(path.name, entries, target)
            for entry in entries:
                archive.extract(entry, target)
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Refused(f"{path.name} cannot be unpacked: {error}") from error


def _check(name: str, entries: list[ZipInfo], target: Path) -> None:
    whole, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_FILES:
        raise Refused(f"{name} holds {len(entries)} files; at most {MAX_FILES} are unpacked: unpack it yourself.")
    if whole > 100_000_000 and whole > MAX_RATIO * max(1, packed):
        raise Refused(f"{name} would unpack to {whole / 1e9:.1f} GB from {packed / 1e6:.1f} MB: unpack it yourself.")
    if whole > shutil.disk_usage(target).free:
        raise Refused(f"{name} needs {whole / 1e9:.1f} GB, and the disk has less.")
    for entry in entries:
        inside = PurePosixPath(entry.filename.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts:
            raise Refused(f"{name} holds {entry.filename!r}, which would be written outside of its folder.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Refused(f"{name} holds the link {entry.filename!r}: pack the files themselves.")


def _inner(target: Path) -> Path:
    """Most archives wrap everything in one folder, which is then the data set."""
    inside = [entry for entry in target.iterdir() if entry.name != "__MACOSX" and not entry.name.startswith(".")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target
