"""The list of what was refused or warned of, kept beside the files of an upload: too long for a row, and with names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from annotation import store

NAME = "faults.jsonl"


def write_faults(folder: Path, rejected: Iterable[Mapping[str, Any]], warnings: Iterable[Mapping[str, Any]]) -> None:
    """All of the list or the one before it."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{NAME}.part"
    with part.open("wb") as stream:
        for what, entries in (("refused", rejected), ("warning", warnings)):
            for entry in entries:
                stream.write(orjson.dumps({"what": what, **entry}, option=orjson.OPT_APPEND_NEWLINE))
    part.replace(folder / NAME)
    store.share(folder / NAME)


def read_faults(folder: Path, start: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The list from entry `start` on; nothing where there is none."""
    try:
        with store.fetch(folder / NAME).open("rb") as stream:
            for line in islice(stream, start, None if limit is None else start + limit):
                yield orjson.loads(line)
    except FileNotFoundError:
        return


def count_faults(folder: Path) -> dict[str, int] | None:
    """How many were refused, how many warned of, how many objects were lost with them; None where there is no list."""
    if not store.fetch(folder / NAME).exists():
        return None
    counts = {"refused": 0, "warned": 0, "lost": 0}
    for entry in read_faults(folder):
        counts["refused" if entry["what"] == "refused" else "warned"] += 1
        counts["lost"] += int(entry["lost_objects"])
    return counts
