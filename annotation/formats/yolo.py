"""YOLO: one text file for each image, a line for each object, lengths as shares of the image's sides.

`class x y w h` is a box (centre and size), `class x1 y1 x2 y2 x3 y3 ...` a contour. The index of a fault is its line.
An empty file says that the image was looked at and holds nothing. The image itself is not opened: records are
`relative`, and `check.sift` turns shares into pixels of the image as it is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from annotation.formats.folder import (
    SPLITS,
    DataFolder,
    Pictures,
    folders_of,
    name_of,
    split_of,
    stem_of,
    unlabelled,
)
from annotation.formats.records import Fault, FieldRecord, ObjectRecord, ReadOptions
from annotation.formats.text import decode, number
from annotation.shapes import Shape

NOT_LABELS = frozenset({"classes", "train", "val", "valid", "test", "trainval", "readme", "license", "notes", "names"})


@dataclass(slots=True)
class _Described:
    """What data.yaml says: class names by number (empty: unknown), and the splits of images by path or folder."""

    names: dict[int, str] = field(default_factory=dict)
    folders: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    listed: dict[str, set[str]] = field(default_factory=dict)

    def splits(self, file: str) -> set[str]:
        """All splits that an image (or, without one, a label file) belongs to."""
        found = set(self.listed.get(stem_of(file), ()))
        above = folders_of(file)
        found |= {split for folder, split in self.folders if _contains(above, folder)}
        return found or {split for split in [split_of(file)] if split}


def read(root: Path, options: ReadOptions) -> Iterator[FieldRecord | Fault]:
    """All fields of a YOLO folder: images/ and labels/ with or without splits below, splits with images/ and labels/
    below, or all in one folder. Class names come from data.yaml, else classes.txt, else `options.class_names`, else
    the number stands for itself. Images without a label file follow at the end, unlabelled."""
    folder = DataFolder.scan(root)
    yield from folder.refused
    try:
        described = describe(folder)
    except (OSError, ValueError) as error:
        yield Fault("data.yaml", None, str(error), 0)
        described = _Described()
    names = described.names or _from_classes_txt(folder)
    pictures = Pictures(folder)
    for file in label_files(folder):
        yield _read_file(folder, pictures, described, file, names, options.class_names)
    for file in pictures.unused():
        splits = described.splits(file)
        yield unlabelled(folder, file, f"no label file: {_label_of(file)}", min(splits) if len(splits) == 1 else None)


def label_files(folder: DataFolder) -> list[str]:
    """Text files in folders called `labels`; where there is no such folder, all that are not lists or notes."""
    texts = [file for file in folder.ending(".txt") if stem_of(file).lower() not in NOT_LABELS]
    return [file for file in texts if "labels" in folders_of(file)] or texts


def _label_of(file: str) -> str:
    """Where the label file of an image is looked for, as it is said in a fault."""
    parts = list(PurePosixPath(file).with_suffix(".txt").parts)
    places = [place for place, part in enumerate(parts[:-1]) if part.lower() == "images"]
    if places:
        parts[places[-1]] = "labels"
    return "/".join(parts)


def describe(folder: DataFolder) -> _Described:
    """What the data.yaml says that lies highest. Raises ValueError when it cannot be read."""
    found = _Described()
    for file in sorted(folder.ending(".yaml", ".yml"), key=lambda file: (file.count("/"), stem_of(file) != "data")):
        try:
            content = yaml.safe_load(decode(folder.path(file).read_bytes()))
        except (yaml.YAMLError, RecursionError) as error:
            raise ValueError(f"{file} cannot be read as YAML: {error}") from error
        if isinstance(content, dict) and "names" in content:
            found.names = _names(content["names"], file)
            for key, entries in content.items():
                if key in SPLITS and entries:
                    _add_split(folder, found, SPLITS[key], entries if isinstance(entries, list) else [entries])
            return found
    return found


def _names(names: Any, file: str) -> dict[int, str]:
    pairs = enumerate(names) if isinstance(names, list) else names.items() if isinstance(names, dict) else None
    try:
        return {int(code): str(name) for code, name in pairs or ()}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}: names must be a list, or numbers with a name each") from error


def _add_split(folder: DataFolder, found: _Described, split: str, entries: list[Any]) -> None:
    """A folder of images, or a text file that lists them. Only what lies in the data set is looked at."""
    for entry in entries:
        parts = [part for part in PurePosixPath(str(entry).replace("\\", "/")).parts if part not in (".", "..", "/")]
        wanted = "/".join(parts)
        if not wanted.endswith(".txt"):
            found.folders.append((tuple(part.lower() for part in parts), split))
            continue
        for file in folder.files:
            if file == wanted or file.endswith("/" + wanted):
                for line in decode(folder.path(file).read_bytes()).split("\n"):
                    if line.strip():
                        found.listed.setdefault(stem_of(line.strip()), set()).add(split)


def _contains(above: tuple[str, ...], folder: tuple[str, ...]) -> bool:
    """Whether `folder` is among the folders above a file, one of them called images or labels as it may be."""
    plain = tuple("images" if part == "labels" else part for part in above)
    width = len(folder)
    return any(plain[start : start + width] == folder for start in range(len(plain) - width + 1)) if width else False


def _from_classes_txt(folder: DataFolder) -> dict[int, str]:
    for file in folder.ending(".txt", ".names"):
        if stem_of(file).lower() in ("classes", "obj") and not file.endswith("obj.txt"):
            lines = decode(folder.path(file).read_bytes()).splitlines()
            return {code: name.strip() for code, name in enumerate(lines) if name.strip()}
    return {}


def _read_file(
    folder: DataFolder,
    pictures: Pictures,
    described: _Described,
    file: str,
    names: Mapping[int, str],
    given: Mapping[str, str],
) -> FieldRecord | Fault:
    image, problem = pictures.find([stem_of(file) + ".jpg"], file)
    splits = described.splits(image or file)
    objects: list[ObjectRecord] = []
    faults = [Fault(file, None, problem, 0)] if problem else []
    try:
        text = decode(folder.path(file).read_bytes())
    except (OSError, ValueError) as error:
        faults.append(Fault(file, None, f"cannot be read: {error}", 0))
        text = None
    for line, words in enumerate((row.split() for row in (text or "").split("\n")), 1):
        try:
            if words:
                objects.append(_object(line, words, names, given))
        except ValueError as error:
            faults.append(Fault(file, line, str(error)))
    return FieldRecord(
        name=name_of(image or file),
        image=folder.path(image) if image else None,
        source=file,
        objects=tuple(objects),
        labelled=text is not None,
        faults=tuple(faults),
        split=min(splits) if len(splits) == 1 else None,
        overlap=tuple(sorted(splits)) if len(splits) > 1 else (),
        relative=True,
    )


def _object(line: int, words: list[str], names: Mapping[int, str], given: Mapping[str, str]) -> ObjectRecord:
    if len(words) != 5 and (len(words) < 7 or len(words) % 2 == 0):
        raise ValueError(f"{len(words)} columns: a box has 5, a contour 7 or more and an odd number")
    label = _label(number(words[0], "class"), names, given)
    if len(words) > 5:
        return ObjectRecord(line, Shape("contour", tuple(number(word, "contour") for word in words[1:])), label)
    x, y, w, h = (number(word, what) for word, what in zip(words[1:], "xywh", strict=True))
    return ObjectRecord(line, Shape("box", (x - w / 2, y - h / 2, x + w / 2, y + h / 2)), label)


def _label(code: float, names: Mapping[int, str], given: Mapping[str, str]) -> str:
    if not code.is_integer() or code < 0:
        raise ValueError(f"class {code:g} is not a whole number from 0")
    if names and int(code) not in names:
        raise ValueError(f"unknown class {int(code)}: the data set names {len(names)} classes, from 0")
    plain = str(int(code))
    return given.get(plain, names.get(int(code), plain))
