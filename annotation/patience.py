"""A database that does not answer for a while is waited for: a cut line must not cost hours of work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

Answer = TypeVar("Answer")

# How long one write is tried, and the pauses between, in seconds.
MOST_SECONDS = 600.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0


def patiently(
    deed: Callable[[], Answer], tell: Callable[[str], None] | None = None, seconds: float | None = None
) -> Answer:
    """Do `deed`, again and again while the database cannot be reached, for at most `seconds` (MOST_SECONDS).

    `deed` must be one that may be done twice: of a commit whose answer was lost nobody knows. `tell` hears of the
    first failure. A full disk is not waited for, and inside a transaction nothing can be repeated: both are raised.
    """
    until, pause = time.monotonic() + (MOST_SECONDS if seconds is None else seconds), FIRST_PAUSE
    while True:
        try:
            return deed()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or "full" in str(error) or time.monotonic() + pause > until:
                raise
            if tell is not None and pause == FIRST_PAUSE:
                tell(f"the database does not answer, and is asked again: {error}")
            connection.close()
        time.sleep(pause)
        pause = min(LONGEST_PAUSE, 2 * pause)
