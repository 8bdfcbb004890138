"""Which files of the data folder belong in a backup: all of them, but for what is made again and what lies in use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from annotation import store
from learning.keeping.databases import beside, sqlite_file

# Made again when they are gone, or of use only to the processes that run now.
MADE_AGAIN = frozenset({"static", "thumbnails", "scratch", "queue", "redis", "logs", "backups"})
# Half-written files, and what a training prepares for its own process.
HALF_MADE = ("part-", ".new-", "environment")

# The folders of which a store holds what several machines must see.
SHARED = ("images", "snapshots", "models", "runs", "transfers")
# An installation that a restoration replaced, and one that is being brought back.
ASIDE = ("replaced-", ".restoring")


def kept_files(home: Path) -> Iterator[Path]:
    """The files of `home` that a backup holds, in order. A folder that is new to us is one of them."""
    apart = _apart()
    for top in sorted(home.iterdir()):
        if top.name in MADE_AGAIN or top in apart or top.is_symlink() or top.name.startswith(ASIDE):
            continue
        if top.is_file() and not top.name.endswith(".lock"):
            yield top
        elif top.is_dir():
            yield from _below(top, apart)


def _below(folder: Path, apart: set[Path]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path in apart or path.name.startswith(HALF_MADE) or path.name.endswith(".part"):
            continue
        if path.is_dir():
            yield from _below(path, apart)
        elif path.is_file():
            yield path


def _apart() -> set[Path]:
    """The database, whose rows are read from within, and the folder of the backups themselves."""
    apart = {settings.BACKUPS_DIR}
    database = sqlite_file()
    if database is not None:
        apart |= {database, *beside(database)}
    return apart


def shared_files(home: Path) -> Iterator[Path]:
    """Files that other machines have put into the store, where there is one; some of them may be here, too."""
    for name in SHARED if store.is_shared() else ():
        for path in store.files_of(home / name):
            if not path.name.startswith(HALF_MADE) and path.suffix != ".part":
                yield path


def size_of(files: Iterator[Path]) -> int:
    """Bytes of those that are still there."""
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total
