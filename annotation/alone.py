"""Deeds that must not meet each other: a backup, an erasure, a restoration. One lock on the data folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from annotation.errors import Refused


@contextmanager
def alone(deed: str) -> Iterator[None]:
    """Hold the lock as `deed`, such as "a backup". Raises Refused, naming what holds it, where it is taken.

    The lock ends with its process, however that ends.
    """
    with (settings.HOME / "keeping.lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise Refused(f"This cannot be done while {stream.read() or 'another one'} is under way: wait.") from None
        stream.truncate(0)
        stream.write(deed)
        stream.flush()
        yield


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock on `file`, as the server does on run.lock of its data folder."""
    try:
        with file.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
