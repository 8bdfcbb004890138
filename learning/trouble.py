"""Why a run failed, told from the error it ended with: a cause by name and a sentence for people."""

from __future__ import annotations

import errno
from pathlib import Path

from annotation.disk import full_words, is_disk_full
from annotation.errors import Refused
from learning.states import Cause
from models_zoo.records import OutOfMemory


class DiskFullError(OSError):
    """There is too little room to begin; the text says how much there is."""

    def __init__(self, text: str) -> None:
        super().__init__(errno.ENOSPC, text)


class TimeLimitError(Exception):
    """The run took longer than this installation allows."""


class SmallerBatchError(Exception):
    """The card's memory was too small for the batch; the run is to go on with `batch` tiles in a step."""

    def __init__(self, had: int, batch: int) -> None:
        super().__init__(f"the card's memory was too small for {had} tiles in a step: it goes on with {batch}")
        self.batch = batch


def cause_of(error: BaseException, folder: Path) -> tuple[Cause, str]:
    """The cause of a failure by `error`, and what to tell people. `folder`: where the run works."""
    if isinstance(error, DiskFullError):
        return Cause.DISK_FULL, str(error.strerror)
    if is_disk_full(error, folder):
        return Cause.DISK_FULL, full_words(folder)
    if isinstance(error, MemoryError | OutOfMemory):
        return Cause.OUT_OF_MEMORY, f"There was not enough memory: {str(error) or type(error).__name__}"
    if isinstance(error, TimeLimitError):
        return Cause.TIME_LIMIT, str(error)
    return Cause.ERROR, _sentence(error)


def _sentence(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text if isinstance(error, Refused | ValueError) else f"{type(error).__name__}: {text}"
