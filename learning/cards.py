"""One training on a card at a time: who computes on it holds a lock that ends with the process, however that ends.

The locks are files in the data folder, named by the card and not by its number, so that two containers with one card
between them meet at the same one. Workers share the CPU in the same way; a command that somebody waits for need not.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings as config

from models_zoo import machine
from models_zoo.machine import Gpu


@dataclass(frozen=True, slots=True)
class Seat:
    """A place to compute at. `device` is what the zoo is told, `words` what people read."""

    device: str
    words: str
    key: str

    @property
    def lock(self) -> Path:
        return config.HOME / "cards" / f"{self.key}.lock"


def seats(wanted: str, *, share_cpu: bool = True) -> list[Seat]:
    """Where a run that asks for the device `wanted` may be computed, the best first; `auto`: on any card.

    Without a key there is nothing to hold. Raises ValueError for a card that is not there.
    """
    if wanted == "auto" and machine.gpus():
        return [_card(one) for one in sorted(machine.gpus(), key=lambda card: -card.memory)]
    device = machine.choose_device(wanted)
    if device == "cpu":
        return [Seat("cpu", "cpu", "" if share_cpu else f"cpu-{_plain(socket.gethostname())}")]
    return [_card(one) for one in machine.gpus() if str(one.index) == device]


def _card(card: Gpu) -> Seat:
    key = card.uuid or f"{socket.gethostname()}-{card.index}"
    return Seat(str(card.index), f"card {card.index}: {card.name}", f"gpu-{_plain(key)}")


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]", "_", text)


@contextmanager
def seated(offered: list[Seat], wait: Callable[[Seat], None]) -> Iterator[Seat]:
    """Hold the first seat of `offered` that is free. While none is, `wait` is called with the best one: it pauses, and
    may raise."""
    while (found := _first_free(offered)) is None:
        wait(offered[0])
    seat, descriptor = found
    try:
        yield seat
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _first_free(offered: list[Seat]) -> tuple[Seat, int | None] | None:
    for seat in offered:
        if not seat.key:
            return seat, None
        seat.lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(seat.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return seat, descriptor
    return None
