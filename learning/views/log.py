"""Reading a run's log in pieces: a training of days may write many megabytes, and a page shows the end of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from annotation import store
from learning.models import Run

MOST_BYTES = 64 * 1024
MOST_ATTEMPTS = 20

# What a terminal would obey: colours and cursor moves.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class LogPart:
    """The text from byte `start` to byte `end` of a log of `size` bytes."""

    text: str
    start: int
    end: int
    size: int

    @property
    def earlier(self) -> int | None:
        """Where the piece before this one starts."""
        return max(0, self.start - MOST_BYTES) if self.start else None


@dataclass(frozen=True, slots=True)
class LogFile:
    """One of a run's logs: `of` is its name in an address."""

    of: str
    words: str
    path: Path


def logs_of(run: Run) -> list[LogFile]:
    """What the training of each attempt wrote, the newest first, and what the run itself said.

    A link that leads out of the run's folder is no log.
    """
    attempts = range(run.attempt, max(0, run.attempt - MOST_ATTEMPTS), -1)
    trainings = [
        LogFile(str(number), f"training, attempt {number}", run.folder / f"attempt{number}" / "model" / "train.log")
        for number in attempts
    ]
    for log in (*trainings, LogFile("run", "", run.log)):
        store.fetch_larger(log.path)
    folder = run.folder.resolve()
    files = [*trainings, LogFile("run", "the run itself", run.log)]
    return [log for log in files if log.path.is_file() and log.path.resolve().is_relative_to(folder)]


def log_file(run: Run, of: str = "") -> LogFile | None:
    """The log of that name; of none, the first there is."""
    logs = logs_of(run)
    return next((log for log in logs if log.of == of), logs[0] if logs and not of else None)


def read_log(file: Path | None, offset: int | None = None, *, growing: bool = False, most: int = MOST_BYTES) -> LogPart:
    """At most `most` bytes from `offset`; without an offset the last ones. Of a `growing` log whole lines only.

    An offset beyond the end is the end: a log that was begun anew is then read from where it is.
    """
    if file is None:
        return LogPart("", 0, 0, 0)
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        last = offset is None
        start = max(0, size - most) if offset is None else min(max(0, offset), size)
        raw = _read(stream, start, most)
    if last and start:
        cut = raw.find(b"\n") + 1
        start, raw = start + cut, raw[cut:]
    if growing:
        raw = _whole_lines(raw, full=len(raw) == most)
    return LogPart(_plain(raw), start, start + len(raw), size)


def _read(stream: BinaryIO, start: int, most: int) -> bytes:
    stream.seek(start)
    return stream.read(most)


def _whole_lines(raw: bytes, *, full: bool) -> bytes:
    """Up to the last line's end; a line that fills the piece alone is cut."""
    cut = raw.rfind(b"\n") + 1
    return raw[:cut] if cut or not full else raw


def _plain(raw: bytes) -> str:
    """As a terminal would show it in the end: of a line that was written over, what was written last."""
    text = _ESCAPES.sub("", raw.decode("utf-8", errors="replace"))
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)
