"""What a run leaves while it works, for other machines: logs for the pages, a checkpoint for who takes it over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from annotation import store
from learning.models import Run

# Seconds between two looks; a checkpoint may be large, so it goes less often.
LOOK_SECONDS = 5.0
CHECKPOINT_SECONDS = 60.0
LOGS = ("log.txt", "train.log")
CHECKPOINT = "resume.pt"
# Which labels the run learns from: a later attempt takes the same.
NOTE = "snapshot"

_log = logging.getLogger(__name__)


@contextmanager
def shared(run: Run) -> Iterator[None]:
    """Begin with what earlier attempts on other machines have left, and share what this one leaves, also at the end."""
    if not store.is_shared():
        yield
        return
    _try(lambda: bring(run))
    done = threading.Event()
    sender = Sender(run.folder)
    thread = threading.Thread(target=sender.until, args=(done,), name="sharing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        _try(sender.send)


def bring(run: Run) -> None:
    """Raises StoreError."""
    for path in store.files_of(run.folder):
        if path.name in LOGS:
            store.fetch_larger(path)
        elif path.name in (CHECKPOINT, NOTE):
            store.fetch(path)


class Sender:
    """Shares the files of one run that have changed since it looked last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sent: dict[Path, tuple[int, int]] = {}
        self._checkpoint_at = -CHECKPOINT_SECONDS

    def until(self, done: threading.Event) -> None:
        while not done.wait(LOOK_SECONDS):
            _try(self.send_what_is_due)

    def send_what_is_due(self) -> None:
        due = time.monotonic() - self._checkpoint_at >= CHECKPOINT_SECONDS
        self.send((*LOGS, NOTE, CHECKPOINT) if due else (*LOGS, NOTE))

    def send(self, names: tuple[str, ...] = (*LOGS, NOTE, CHECKPOINT)) -> None:
        """Raises StoreError."""
        for path in sorted(self.folder.rglob("*")):
            if path.name not in names or not path.is_file():
                continue
            known = path.stat()
            now = (known.st_mtime_ns, known.st_size)
            if self._sent.get(path) != now:
                store.share(path)
                self._sent[path] = now
                if path.name == CHECKPOINT:
                    self._checkpoint_at = time.monotonic()


def _try(deed: Callable[[], None]) -> None:
    """A store that is down must not end a run: what could not be shared goes with the next look."""
    try:
        with store.patience(0):
            deed()
    except OSError as error:
        _log.warning("a run's files could not be shared this time: %s", error)
