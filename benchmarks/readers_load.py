"""Readers at their desks, as a process of its own: each saves one cell at its time over a connection that stays open.

`python -m benchmarks.readers_load PLAN` reads the plan, saves, and appends each save to a file of JSON lines. A time
counts from the moment a save was due, so that one which had to wait for the answer before it is not made to look fast.
Standard library alone: the readers must not take the cores from the server.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OK = 200
PATIENCE = 30.0
# One save in three changes a cell that is there; of desks that share a reading, most change the same few cells.
CHANGES, SHARED_CHANGES, SHARED_CELLS = 0.33, 0.8, 5


@dataclass(frozen=True, slots=True)
class Saved:
    """Of one phase: milliseconds of each answered save in order, and words for those that were not answered well."""

    times: tuple[float, ...]
    faults: tuple[str, ...]
    stale: int
    seconds: float

    def percentile(self, share: float) -> float:
        if not self.times:
            return float("inf")
        place = max(0, -(-round(share * len(self.times)) // 100) - 1)
        return round(self.times[place], 1)

    def words(self) -> str:
        shown = ", ".join(f"p{share} {self.percentile(share):.0f} ms" for share in (50, 95, 99))
        return f"{len(self.times)} saves, {shown}" + (
            f", {len(self.faults)} faults: {self.faults[0]}" if self.faults else ""
        )

    def told(self) -> dict[str, Any]:
        shares = {f"p{share}_ms": self.percentile(share) for share in (50, 90, 95, 99, 100)} if self.times else {}
        per_second = round(len(self.times) / self.seconds, 1)
        return {"saves": len(self.times), "answered_per_s": per_second, **shares, "stale": self.stale} | {
            "faults": len(self.faults),
            "first_faults": list(self.faults[:3]),
        }


@dataclass(frozen=True, slots=True)
class Load:
    """`desks` as benchmarks.readers_desks gives them; `log` keeps every save of all phases."""

    port: int
    desks: Sequence[Mapping[str, Any]]
    log: Path

    def run(self, every: float, seconds: float) -> Saved:
        """Each desk saves one cell every `every` seconds, for `seconds`."""
        began = self.log.stat().st_size if self.log.exists() else 0
        plan = {"port": self.port, "desks": list(self.desks), "every": every, "seconds": seconds, "log": str(self.log)}
        subprocess.run(
            [sys.executable, "-m", __name__], input=json.dumps(plan), text=True, check=True, timeout=seconds + 90
        )
        with self.log.open() as stream:
            stream.seek(began)
            lines = [json.loads(line) for line in stream]
        times = sorted(line["ms"] for line in lines if line["status"] in {"saved", "stale"})
        faults = [line["status"] for line in lines if line["status"] not in {"saved", "stale"}]
        return Saved(tuple(times), tuple(faults), sum(line["status"] == "stale" for line in lines), seconds)


class Desk:
    """One page in a browser: it asks one thing at a time and knows the versions of its own cells."""

    def __init__(self, port: int, told: Mapping[str, Any], seed: int) -> None:
        self.port, self.told, self.chance = port, told, random.Random(seed)
        self.cells: dict[str, int] = {}
        self.shared = [str(uuid.UUID(int=told["reading"] * 1000 + number)) for number in range(SHARED_CELLS)]
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def change(self) -> dict[str, Any]:
        """What is saved next: a new cell, or another place for one that is there."""
        chance, told = self.chance, self.told
        if told["shared"] and chance.random() < SHARED_CHANGES:
            name = chance.choice(self.shared)
        elif self.cells and chance.random() < CHANGES:
            name = chance.choice(list(self.cells))
        else:
            name = str(uuid.UUID(int=chance.getrandbits(128)))
        radius = round(chance.uniform(8, 30), 2)
        x, y = (round(chance.uniform(radius, side - radius), 2) for side in (told["width"], told["height"]))
        return {
            "type": "cell",
            "uuid": name,
            "version": self.cells.get(name, 0),
            "class": chance.choice(told["classes"]),
            "shape": {"kind": "circle", "points": [x, y, radius]},
            "attributes": {},
        }

    async def save(self) -> dict[str, Any]:
        """One save and what became of it."""
        change = self.change()
        answer: dict[str, Any] = {"uuid": change["uuid"], "points": change["shape"]["points"]}
        try:
            code, body = await asyncio.wait_for(self._post(json.dumps({"changes": [change]}).encode()), PATIENCE)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.hang_up()
            return answer | {"status": f"no answer: {type(error).__name__} {error}"}
        if code != OK:
            return answer | {"status": f"{code}: {body[:120].decode(errors='replace')}"}
        (result,) = json.loads(body)["results"]
        if result["status"] in {"saved", "stale"}:
            self.cells[change["uuid"]] = result["cell"]["version"]
            answer["version"] = result["cell"]["version"]
        return answer | {
            "status": result["status"] if result["status"] != "refused" else f"refused: {result['message']}"
        }

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        if self._line is None:
            self._line = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._line
        told = self.told
        head = (
            f"POST /api/readings/{told['reading']}/changes/ HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-CSRFToken: {told['csrf']}\r\nCookie: sessionid={told['session']}; csrftoken={told['csrf']}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in answer[1:])}
        content = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection", "").lower() == "close":
            self.hang_up()
        return int(answer[0].split()[1]), content

    def hang_up(self) -> None:
        if self._line is not None:
            self._line[1].close()
            self._line = None


def due(every: float, seconds: float, share: float) -> Iterator[float]:
    """The moments, in seconds from the beginning, at which the desk at `share` of a turn saves."""
    moment = share * every
    while moment < seconds:
        yield moment
        moment += every


async def sit(desk: Desk, moments: Iterator[float], began: float, lines: list[dict[str, Any]]) -> None:
    for moment in moments:
        await asyncio.sleep(max(0.0, began + moment - time.perf_counter()))
        answer = await desk.save()
        lines.append(answer | {"ms": round(1000 * (time.perf_counter() - began - moment), 2), "at": round(moment, 3)})
    desk.hang_up()


async def load(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    seed = time.time_ns()
    desks = [Desk(plan["port"], told, seed + number) for number, told in enumerate(plan["desks"])]
    lines: list[dict[str, Any]] = []
    began = time.perf_counter() + 0.2
    times = [due(plan["every"], plan["seconds"], number / len(desks)) for number in range(len(desks))]
    await asyncio.gather(*(sit(desk, when, began, lines) for desk, when in zip(desks, times, strict=True)))
    return lines


def main() -> None:
    plan = json.load(sys.stdin)
    lines = asyncio.run(load(plan))
    with Path(plan["log"]).open("a") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
