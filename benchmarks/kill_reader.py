"""A scripted reader who saves labels over HTTP without end, and remembers what the server has acknowledged."""

from __future__ import annotations

import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from benchmarks.installation import Installation, NotReachedError

PAUSE_SECONDS = 0.25
# Of the changes so many change a cell that is there; the others draw one.
CHANGED_SHARE = 0.4
SIDE = 192


@dataclass
class Reader(threading.Thread):
    """Sends each change until it is acknowledged, as the workbench does. `saved`: version and points by uuid."""

    at: Installation
    token: str
    reading: int
    cell_class: int
    seed: int
    saved: dict[str, tuple[int, list[float]]] = field(default_factory=dict)
    acknowledged: int = 0
    unanswered: int = 0
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(name="reader", daemon=True)
        self.done = threading.Event()
        self._chance = random.Random(self.seed)

    # A thread is told apart by itself, not by its fields.
    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while not self.done.is_set():
            self._save(self._next())
            self.done.wait(PAUSE_SECONDS)

    def _next(self) -> dict[str, Any]:
        chance = self._chance
        known = chance.choice(list(self.saved)) if self.saved and chance.random() < CHANGED_SHARE else None
        version = self.saved[known][0] if known else 0
        points = [round(chance.uniform(20, SIDE - 20), 1), round(chance.uniform(20, SIDE - 20), 1), 10.0]
        return {
            "type": "cell",
            "uuid": known or str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "version": version,
            "class": self.cell_class,
            "shape": {"kind": "circle", "points": points},
            "attributes": {},
            "prediction": None,
            "deleted": False,
        }

    def _save(self, change: dict[str, Any]) -> None:
        while not self.done.is_set():
            try:
                answer = self.at.ask("POST", f"readings/{self.reading}/changes/", self.token, {"changes": [change]})
            except NotReachedError:
                self.unanswered += 1
                time.sleep(PAUSE_SECONDS)
                continue
            (result,) = answer["results"]
            if result["status"] != "saved":
                self.problems.append(f"{change['uuid']} version {change['version']}: {result}")
                return
            self.acknowledged += 1
            self.saved[change["uuid"]] = (int(result["cell"]["version"]), list(change["shape"]["points"]))
            return


def lost(reader: Reader, rows: list[tuple[str, int, list[float]]]) -> list[str]:
    """The cells of which the database does not know what was acknowledged last. `rows`: uuid, version, points."""
    there = {name.replace("-", ""): (version, points) for name, version, points in rows}
    return [name for name, known in reader.saved.items() if not _is_kept(known, there.get(name.replace("-", "")))]


def _is_kept(known: tuple[int, list[float]], found: tuple[int, list[float]] | None) -> bool:
    """A change that was saved without anybody hearing of it may have made a later version."""
    if found is None or found[0] < known[0]:
        return False
    return found[0] > known[0] or found[1] == known[1]
