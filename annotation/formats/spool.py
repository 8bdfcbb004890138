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
        """`value` is anything that JSON can hold. The n-th value added has index n, from 1."""
        self._file.write(orjson.dumps(value))
        self._groups.append(group)
        self._ends.append(self._file.tell())

    def count(self, groups: int) -> list[int]:
        """How many values the groups 0 to `groups` - 1 have."""
        numbers = np.frombuffer(self._groups, dtype=np.int64) if self._groups else np.zeros(0, dtype=np.int64)
        return [int(n) for n in np.bincount(numbers[numbers >= 0], minlength=groups)]

    def groups(self, groups: int) -> Iterator[tuple[int, list[tuple[int, Any]]]]:
        """Each group from 0 to `groups` - 1, also the empty ones, with its (index, value) in the order added."""
        numbers = np.frombuffer(self._groups, dtype=np.int64) if self._groups else np.zeros(0, dtype=np.int64)
        order = np.argsort(numbers, kind="stable")
        starts = np.searchsorted(numbers[order], np.arange(groups + 1))
        for group in range(groups):
            places = order[starts[group] : starts[group + 1]]
            yield group, [(int(place) + 1, self._value(int(place))) for place in places]

    def _value(self, place: int) -> Any:
        start, end = self._ends[place], self._ends[place + 1]
        if self._file.tell() != start:
            self._file.seek(start)
        return orjson.loads(self._file.read(end - start))
