"""A full disk: told from an error, whoever raised it, and said in words."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
# What SQLite, PostgreSQL and the system say where no number came with the error.
WORDS = ("no space left on device", "disk is full", "disk quota exceeded", "disk full")
# torch writes its files by itself and says neither; a disk with less room than this is believed to be why.
TORCH_WORDS = ("pytorchstreamwriter failed", "inline_container")
NEARLY_FULL = 64_000_000
# More megabytes than this were freed since, and would only confuse.
WORTH_TELLING = 1_000


def is_disk_full(error: BaseException, folder: Path) -> bool:
    """Whether `error`, or one that led to it, says that the disk of `folder` is full."""
    return any(_says_so(one, folder) for one in _chain(error))


def free_bytes(folder: Path) -> int:
    """Room on the disk of `folder`, or of the nearest folder above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def full_words(folder: Path) -> str:
    """What to tell people."""
    left = free_bytes(folder) / 1_000_000
    told = f" ({left:.0f} MB are left)" if left < WORTH_TELLING else ""
    return f"The disk where the data lie is full{told}. Make room, then try again."


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        now = now.__cause__ or now.__context__


def _says_so(error: BaseException, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    text = str(error).lower()
    if any(word in text for word in WORDS):
        return True
    return any(word in text for word in TORCH_WORDS) and free_bytes(folder) < NEARLY_FULL
