"""A worker's sign of life: a thread that writes one row every few seconds, whatever the lanes do meanwhile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection

from django.db import Error as DatabaseTrouble
from django.db import close_old_connections

from annotation.actions.workers import SIGN_SECONDS, show_sign, take_leave

_log = logging.getLogger(__name__)


def give_signs(queues: Collection[str], stopping: threading.Event) -> threading.Thread:
    """Until `stopping` is set. A database that does not answer is asked again at the next turn."""

    def give() -> None:
        while True:
            close_old_connections()
            try:
                show_sign(queues)
            except DatabaseTrouble as error:
                _log.warning("no sign of life could be given this time: %s", error)
            if stopping.wait(SIGN_SECONDS):
                break
        try:
            take_leave()
        except DatabaseTrouble as error:
            _log.warning("the worker could not take its leave: %s", error)
        close_old_connections()

    thread = threading.Thread(target=give, name="signs", daemon=True)
    thread.start()
    return thread
