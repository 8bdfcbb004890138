"""Points: images/ and points/STEM.txt, a line `x y [code]` for each cell's centre; circles of one radius.

The index of a fault is its line. A first line is taken for a header only when it cannot be mistaken: words instead of
numbers; or the number of lines that follow, alone or with the number of their columns behind it (`356 3 0`). A line
like that with a wrong number of lines is reported and not made a cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from annotation.formats.folder import DataFolder, Pictures, folders_of, name_of, split_of, stem_of, unlabelled
from annotation.formats.records import Fault, FieldRecord, ObjectRecord, ReadOptions
from annotation.formats.text import decode, number
from annotation.shapes import Shape

Line = tuple[int, list[str]]


def read(root: Path, options: ReadOptions) -> Iterator[FieldRecord | Fault]:
    """All fields of a folder of points. The class is the code (named by `options.class_names`), else `cell`.

    Raises ValueError when `options.radius_px` is not given.
    """
    if options.radius_px is None or not options.radius_px > 0:
        raise ValueError("Points need the radius of a cell in pixels: add --radius-px, for example --radius-px 12.")
    return _fields(DataFolder.scan(root), options.radius_px, options)


def _fields(folder: DataFolder, radius: float, options: ReadOptions) -> Iterator[FieldRecord | Fault]:
    yield from folder.refused
    pictures = Pictures(folder)
    for file in folder.ending(".txt", ".csv"):
        if "points" in folders_of(file):
            yield _read_file(folder, pictures, file, radius, options)
    for file in pictures.unused():
        yield unlabelled(folder, file, f"no label file: points/{stem_of(file)}.txt")


def _read_file(
    folder: DataFolder, pictures: Pictures, file: str, radius: float, options: ReadOptions
) -> FieldRecord | Fault:
    image, problem = pictures.find([stem_of(file) + ".png"], file)
    faults = [Fault(file, None, problem, 0)] if problem else []
    objects: list[ObjectRecord] = []
    lines: list[Line] | None = None
    try:
        lines = _lines(decode(folder.path(file).read_bytes()))
    except (OSError, ValueError) as error:
        faults.append(Fault(file, None, f"cannot be read: {error}", 0))
    header, claimed = _header(lines or [])
    if header and claimed is not None and claimed != len(lines or []) - 1:
        faults.append(Fault(file, None, f"the header counts {claimed} points, {len(lines or []) - 1} follow", 0))
    for index, words in (lines or [])[header:]:
        try:
            objects.append(_object(index, words, radius, options))
        except ValueError as error:
            faults.append(Fault(file, index, str(error)))
    return FieldRecord(
        name=name_of(image or file),
        image=folder.path(image) if image else None,
        source=file,
        objects=tuple(objects),
        labelled=lines is not None,
        faults=tuple(faults),
        split=split_of(image or file),
    )


def _lines(text: str) -> list[Line]:
    rows = (row.replace(",", " ").replace(";", " ").split() for row in text.split("\n"))
    return [(index, words) for index, words in enumerate(rows, 1) if words]


def _header(lines: list[Line]) -> tuple[int, int | None]:
    """How many lines the header has, 0 or 1, and how many points it says there are."""
    if not lines:
        return 0, None
    first, rest = lines[0][1], [words for _, words in lines[1:]]
    if not any(word[:1].isdigit() or word[:1] in "+-." for word in first):
        is_words = len(first) >= 2 and {first[0].lower(), first[1].lower()} == {"x", "y"}
        return int(is_words), None
    if not all(word.isdecimal() for word in first):
        return 0, None
    count = int(first[0])
    if len(first) == 1:
        return 1, count
    columns = Counter(len(words) for words in rest).most_common(1)
    if columns and int(first[1]) == columns[0][0] and (count == len(rest) or _is_no_point(first, rest)):
        return 1, count
    return 0, None


def _is_no_point(first: list[str], rest: list[list[str]]) -> bool:
    """`count columns 0` over points whose own codes are never 0."""
    return len(first) == 3 and first[2] == "0" and all(words[2:3] != ["0"] for words in rest)


def _object(index: int, words: list[str], radius: float, options: ReadOptions) -> ObjectRecord:
    if len(words) not in (2, 3):
        raise ValueError(f"{len(words)} columns: a point has x, y and perhaps a code")
    x, y = number(words[0], "x"), number(words[1], "y")
    code = words[2] if len(words) == 3 else "cell"
    return ObjectRecord(index, Shape("circle", (x, y, radius)), options.class_names.get(code, code))
