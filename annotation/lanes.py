"""Lanes of work in a worker: each does one thing at a time, woken by a message or by its own clock.

A message says only that there may be work. The rows say which, so a message that is lost costs a few seconds, and one
that comes twice finds nothing to do. A lane belongs to a queue; a worker opens the lanes of the queues it serves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from celery import current_app
from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from kombu.exceptions import OperationalError as BrokerError

from annotation import store
from annotation.signs import give_signs

# How often a lane looks at the table by itself, in seconds.
LOOK_SECONDS = 5.0
# How long a lane gets to hand its work back when the worker ends.
HAND_BACK_SECONDS = 7.0

_log = logging.getLogger(__name__)
_lanes: list[Lane] = []
_signs: threading.Thread | None = None
# Set when the worker is told to end: what is under way is handed back, and nothing new is begun.
stopping = threading.Event()


@dataclass
class Lane:
    """`take` does one piece of waiting work and says whether there may be more; False: there is none just now."""

    queue: str
    name: str
    take: Callable[[], bool]
    prepare: Callable[[], None] | None = None
    _busy: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _wanted: threading.Event = field(default_factory=threading.Event, repr=False)
    _clock: threading.Thread | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _lanes.append(self)

    def work(self) -> None:
        """Do what waits, until nothing does. Who finds the lane busy leaves word, and the one who works looks again."""
        self._wanted.set()
        while self._wanted.is_set() and not stopping.is_set() and self._busy.acquire(blocking=False):
            try:
                self._wanted.clear()
                while not stopping.is_set() and self.take():
                    pass
            except (DatabaseError, InterfaceError) as error:
                _log.warning("lane %s: the database did not answer this time: %s", self.name, error)
            except Exception:  # whatever broke, the lane must live on; the row's lease will run out
                _log.exception("lane %s broke off", self.name)
            finally:
                self._busy.release()

    def open(self) -> None:
        """Look at the table at once, and then every few seconds, until the worker ends. Opened again it goes on."""
        if self._clock is not None and self._clock.is_alive():
            return
        self._clock = threading.Thread(target=self._keep_looking, name=self.name, daemon=True)
        self._clock.start()

    def wait(self, seconds: float) -> None:
        if self._clock is not None:
            self._clock.join(seconds)

    def _keep_looking(self) -> None:
        if self.prepare is not None:
            self.prepare()
        while True:
            close_old_connections()
            self.work()
            close_old_connections()
            if stopping.wait(LOOK_SECONDS):
                return


def open_lanes(queues: Collection[str]) -> None:
    store.be_patient()
    global _signs  # one thread of a worker
    for lane in _lanes:
        if lane.queue in queues:
            lane.open()
    if _signs is None or not _signs.is_alive():
        _signs = give_signs(queues, stopping)


def close_lanes() -> None:
    """Wait until all lanes have handed back what they had."""
    stopping.set()
    until = time.monotonic() + HAND_BACK_SECONDS
    for lane in _lanes:
        lane.wait(max(0.0, until - time.monotonic()))
    if _signs is not None:
        _signs.join(1.0)


def wake_after_commit(task: str) -> None:
    """Send the message `task` once the present transaction is committed.

    A broker that is down must not look like a failure of what was committed: the lane's own clock will find the work.
    """
    transaction.on_commit(lambda: _wake(task), robust=True)


def _has_broker() -> bool:
    return bool(current_app.conf.broker_url)


def _wake(task: str) -> None:
    if not _has_broker():
        return
    try:
        current_app.send_task(task, retry=False, expires=60)
    except (BrokerError, OSError) as error:
        _log.warning("no worker could be woken; it will look by itself: %s", error)
