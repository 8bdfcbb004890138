"""Objects set aside on disk until all objects of one image are together: memory stays flat however they are mixed."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np
import orjson


class Spool:
    """Takes values with a group number and gives them back group by group. 20 bytes of memory for each value."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._groups = array("q")
        self._ends = array("q", [0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, group: int, value: Any) -> None:
        """`value` is anything that JSON can hold, else TypeError. The n-th value added has index n, from 1."""
        data = orjson.dumps(value)
        self._file.write(data)
        self._groups.append(group)
        self._ends.append(self._ends[-1] + len(data))

    def groups(self, groups: int) -> Iterator[tuple[int, list[tuple[int, Any]]]]:
        """Each group from 0 to `groups` - 1, also the empty ones, with its (index, value) in the order added."""
        numbers = np.array(self._groups, dtype=np.int64)
        order = np.argsort(numbers, kind="stable")
        counts = np.bincount(numbers + 1, minlength=groups + 1)  # group -1 is for what belongs to none
        del numbers
        starts = np.cumsum(counts)
        for group in range(groups):
            places = order[starts[group] : starts[group + 1]].tolist()
            yield group, [(place + 1, value) for place, value in zip(places, self._values(places), strict=True)]

    def _values(self, places: list[int]) -> Iterator[Any]:
        """Values by their places; places in a row are read at once."""
        start = 0
        for end in range(1, len(places) + 1):
            if end == len(places) or places[end] != places[end - 1] + 1:
                yield from self._row(places[start], places[end - 1] + 1)
                start = end

    def _row(self, first: int, last: int) -> Iterator[Any]:
        base = self._ends[first]
        self._file.seek(base)
        data = memoryview(self._file.read(self._ends[last] - base))
        for place in range(first, last):
            yield orjson.loads(data[self._ends[place] - base : self._ends[place + 1] - base])
