"""Masks: images/ and masks/STEM.png, made contours.

Three kinds: `instance` (every value but 0 is one cell; colours count as values), `binary` (every connected piece of
non-black is a cell) and `nucleus_cytoplasm` (the same, nucleus white and cytoplasm grey; the nucleus' pixels are kept
as attribute `nucleus_px`). The index of a fault is the value of the cell, or the number of the piece row by row. A
piece of fewer than SPECK_PX pixels is no cell and is reported. Of an instance in several pieces the largest is kept
and the others are reported.

Classes stand in a table `classes.csv` or `labels.csv` beside the folders: one line for each image, its name or number
and a code. A row belongs to the image of that name, or of that number, else to the image at the same position in the
sorted list. Codes are named by `classes.toml` (code = "name"), else by `options.class_names`. Without a table the
class is `cell`.
"""

from __future__ import annotations

import csv
import struct
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from annotation.formats.folder import DataFolder, Pictures, name_of, split_of, stem_of, unlabelled
from annotation.formats.outline import outline
from annotation.formats.records import Fault, FieldRecord, ObjectRecord, ReadOptions
from annotation.formats.text import decode
from annotation.shapes import Shape

KINDS = ("instance", "binary", "nucleus_cytoplasm")
SPECK_PX = 16
MAX_MEGAPIXELS = 100
CYTOPLASM, NUCLEUS = 64, 192
_EIGHT = np.ones((3, 3), dtype=bool)

# What broken pictures make Pillow raise.
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

Numbers = npt.NDArray[np.int32]


def read(root: Path, options: ReadOptions) -> Iterator[FieldRecord | Fault]:
    """All fields of a folder of masks. Raises ValueError when `options.mask_kind` is not given."""
    if options.mask_kind not in KINDS:
        raise ValueError(f"Masks need their kind: add --mask-kind {' or '.join(KINDS)}.")
    return _fields(DataFolder.scan(root), options.mask_kind, options)


def _fields(folder: DataFolder, kind: str, options: ReadOptions) -> Iterator[FieldRecord | Fault]:
    yield from folder.refused
    masks = folder.pictures("masks")
    chosen = set(masks)
    images = [file for file in folder.pictures() if file not in chosen]
    pictures = Pictures(folder, images)
    try:
        classes = _classes(folder, images or masks, options.class_names)
    except (ValueError, csv.Error) as error:
        yield Fault("classes.csv", None, f"cannot be read: {error}", 0)
        classes = {}
    for file in masks:
        yield _read_mask(folder, pictures, file, kind, classes)
    for file in pictures.unused():
        yield unlabelled(folder, file, f"no label file: masks/{stem_of(file)}.png")


def _classes(folder: DataFolder, images: list[str], given: Mapping[str, str]) -> dict[str, str]:
    """Stem -> class name, from the table of classes."""
    table = next((f for f in folder.files if name_of(f).lower() in ("classes.csv", "labels.csv")), None)
    if table is None:
        return {}
    lines = decode(folder.path(table).read_bytes()).splitlines()
    rows = [row for row in csv.reader(lines) if len(row) >= 2]
    rows = rows if rows and _code(rows[0][1], rows) else rows[1:]
    names = _names(folder) | dict(given)
    stems = sorted(stem_of(file) for file in images)
    known = set(stems)
    by_number = {int(stem): stem for stem in stems if stem.isdecimal()}
    found: dict[str, str] = {}
    for position, row in enumerate(rows):
        key, code = stem_of(row[0].strip()), row[1].strip()
        stem = key if key in known else by_number.get(int(key)) if key.isdecimal() else None
        if stem is None and position < len(stems):
            stem = stems[position]
        if stem is not None and code:
            found[stem] = names.get(code, code)
    return found


def _code(first: str, rows: list[list[str]]) -> bool:
    """Whether the first row is data: its second word stands in another row too, as codes do and headers do not."""
    return any(row[1] == first for row in rows[1:]) or first.strip().isdecimal()


def _names(folder: DataFolder) -> dict[str, str]:
    file = next((f for f in folder.files if name_of(f).lower() == "classes.toml"), None)
    if file is None:
        return {}
    return {str(code): str(name) for code, name in tomllib.loads(decode(folder.path(file).read_bytes())).items()}


def _read_mask(
    folder: DataFolder, pictures: Pictures, file: str, kind: str, classes: Mapping[str, str]
) -> FieldRecord | Fault:
    image, problem = pictures.find([name_of(file)], file)
    faults = [Fault(file, None, problem, 0)] if problem else []
    objects: list[ObjectRecord] = []
    label = classes.get(stem_of(file), "" if classes else "cell")
    labelled = False
    try:
        objects, found = _objects(folder.path(file), file, kind, label)
        faults += found
        labelled = True
    except BROKEN as error:
        faults.append(Fault(file, None, f"cannot be read: {error}", 0))
    return FieldRecord(
        name=name_of(image or file),
        image=folder.path(image) if image else None,
        source=file,
        objects=tuple(objects),
        labelled=labelled,
        faults=tuple(faults),
        split=split_of(image or file),
    )


def _objects(path: Path, file: str, kind: str, label: str) -> tuple[list[ObjectRecord], list[Fault]]:
    values = _values(path, kind)
    cells, numbers = _cells(values, kind)
    objects: list[ObjectRecord] = []
    faults: list[Fault] = []
    for place, box in enumerate(ndimage.find_objects(cells)):
        piece = cells[box] == place + 1
        index = int(numbers[place])
        largest, notes = _largest(piece)
        faults += [Fault(file, index, note, 0) for note in notes]
        size = int(largest.sum())
        if size < SPECK_PX or not label:
            reason = f"a speck of {size} pixels" if size < SPECK_PX else "no class in the table of classes"
            faults.append(Fault(file, index, reason))
            continue
        shape = Shape("contour", outline(largest, box[0].start, box[1].start))
        nucleus = {"nucleus_px": int((largest & (values[box] >= NUCLEUS)).sum())}
        objects.append(ObjectRecord(index, shape, label, nucleus if kind == "nucleus_cytoplasm" else {}))
    return objects, faults


def _values(path: Path, kind: str) -> Numbers:
    """The mask as whole numbers (h, w): of instances the value itself, else grey from 0 to 255."""
    with Image.open(path) as opened:
        if opened.width * opened.height > MAX_MEGAPIXELS * 1e6:
            raise ValueError(f"{opened.width} x {opened.height} is above {MAX_MEGAPIXELS} megapixels")
        as_stored = kind == "instance" or opened.mode.startswith("I")
        values = np.asarray(opened if as_stored else opened.convert("L")).astype(np.int32)
    if values.ndim == 3:  # a colour is one value
        values = values[..., :3] @ np.array([1, 256, 65536], dtype=np.int32)
    if kind != "instance" and 0 < values.max(initial=0) <= 2:  # written as 0 and 1, or 0, 1 and 2
        values = values * 255 // values.max()
    return values


def _cells(values: Numbers, kind: str) -> tuple[Numbers, Numbers]:
    """Cells numbered from 1 (0 is background), and the index by which each of them is reported."""
    if kind == "instance":
        numbers = np.unique(values[values > 0])
        return np.where(values > 0, np.searchsorted(numbers, values) + 1, 0).astype(np.int32), numbers
    cells, count = ndimage.label(values >= CYTOPLASM, _EIGHT)
    return cells, np.arange(1, count + 1, dtype=np.int32)


def _largest(piece: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """The largest connected part of a cell, and a note on each part that is left out."""
    parts, count = ndimage.label(piece, _EIGHT)
    if count == 1:
        return piece, []
    sizes = np.bincount(parts.ravel())[1:]
    best = int(sizes.argmax())
    notes = [f"in {count} pieces: one of {size} pixels is left out" for n, size in enumerate(sizes) if n != best]
    return parts == best + 1, notes
