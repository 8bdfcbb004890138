"""How far the demo project is, on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from annotation.management.base import progress
from learning.demo import Report


@contextmanager
def drawing() -> Iterator[Report]:
    with progress("making the demo project", "steps") as bar:
        yield bar
