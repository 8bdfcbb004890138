"""Reads from a Linux shared library which other libraries it asks for (the ELF format, 64 bit)."""

from __future__ import annotations

import struct
from itertools import takewhile
from mmap import ACCESS_READ, mmap
from pathlib import Path

LOAD, DYNAMIC = 1, 2  # kinds of program headers
NEEDED, STRING_TABLE, SONAME = 1, 5, 14  # tags of the dynamic section


def asked_and_named(path: Path) -> tuple[set[str], set[str]]:
    """The libraries that `path` needs, and the name it gives itself; both empty where it is no ELF file."""
    with path.open("rb") as stream:
        if stream.read(5) != b"\x7fELF\x02":
            return set(), set()
        with mmap(stream.fileno(), 0, access=ACCESS_READ) as data:
            return needs_and_names(data)


def needs_and_names(data: mmap) -> tuple[set[str], set[str]]:
    start, size, count = (*struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54))
    headers = [struct.unpack_from("<IIQQQQ", data, start + size * i) for i in range(count)]
    dynamic = [entry for header in headers if header[0] == DYNAMIC for entry in entries(data, header[2], header[5])]
    table = [value for tag, value in dynamic if tag == STRING_TABLE]
    if not table:
        return set(), set()
    # The table is given by its place in memory; the segment that holds it tells its place in the file.
    base = next(table[0] - h[3] + h[2] for h in headers if h[0] == LOAD and h[3] <= table[0] < h[3] + h[5])
    return strings(data, base, dynamic, NEEDED), strings(data, base, dynamic, SONAME)


def entries(data: mmap, offset: int, size: int) -> list[tuple[int, int]]:
    """The (tag, value) pairs of the dynamic section, up to the empty one that ends it."""
    pairs = struct.iter_unpack("<QQ", data[offset : offset + size // 16 * 16])
    return [(tag, value) for tag, value in takewhile(lambda pair: pair[0] != 0, pairs)]


def strings(data: mmap, base: int, dynamic: list[tuple[int, int]], wanted: int) -> set[str]:
    starts = [base + value for tag, value in dynamic if tag == wanted]
    return {data[start : data.find(b"\0", start)].decode() for start in starts}
