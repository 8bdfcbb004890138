"""The formats that can be read, how to tell them apart, and the one way in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from annotation.formats.folder import SPLITS, DataFolder, folders_of, stem_of
from annotation.formats.records import Fault, FieldRecord, ReadOptions

READERS = {
    "coco": "annotation.formats.coco",
    "voc": "annotation.formats.voc",
    "yolo": "annotation.formats.yolo",
    "points": "annotation.formats.points",
    "masks": "annotation.formats.masks",
    "crops": "annotation.formats.crops",
    "images": "annotation.formats.images",
}

# A folder of single cells has no larger pictures than this; fields of view do.
CROP_PX = 512


def read(root: Path, fmt: str, options: ReadOptions | None = None) -> Iterator[FieldRecord | Fault]:
    """Read the data set below `root` as `fmt`, one of READERS or `auto`.

    Raises ValueError, in plain words, for an unknown format, a missing folder or a missing option.
    """
    fmt = detect(root) if fmt == "auto" else fmt
    if fmt not in READERS:
        raise ValueError(f"There is no format {fmt!r}. Choose one of: auto, {', '.join(READERS)}.")
    reader: Callable[[Path, ReadOptions], Iterator[FieldRecord | Fault]] = import_module(READERS[fmt]).read
    return reader(root, options or ReadOptions())


def detect(root: Path) -> str:
    """The format of the data set below `root`, by what lies in it. The first of these that fits:

    1. coco: a JSON file with images and annotations;
    2. masks: a folder masks/ with images in it;
    3. points: a folder points/ with text files in it;
    4. voc: an XML file that speaks of an annotation;
    5. yolo: a YAML file with names, a folder labels/ with text files, or a text file for an image beside it;
    6. crops: images in two or more folders that are named without digits and not after a split, none of the sampled
       images longer than 512 px;
    7. images: any image.

    Raises ValueError when nothing fits, saying what was looked for.
    """
    if root.is_file() and root.suffix.lower() == ".json":
        return "coco"
    folder = DataFolder.scan(root)
    found = next((name for name, fits in _SIGNS.items() if fits(folder)), None)
    if found is None:
        raise ValueError(
            f"Nothing to import was found in {root}. Looked for: COCO (*.json), masks (masks/*.png), points "
            "(points/*.txt), Pascal VOC (*.xml), YOLO (data.yaml, labels/*.txt), and images (jpg, png, tif, bmp, webp)."
        )
    return found


def _is_coco(folder: DataFolder) -> bool:
    from annotation.formats.coco import KEYS, is_coco
    from annotation.formats.json_stream import JsonFile

    return any(is_coco(JsonFile.look(folder.path(file), KEYS)) for file in folder.ending(".json"))


def _is_masks(folder: DataFolder) -> bool:
    return bool(folder.pictures("masks"))


def _is_points(folder: DataFolder) -> bool:
    return any("points" in folders_of(file) for file in folder.ending(".txt"))


def _is_voc(folder: DataFolder) -> bool:
    """By the first letters of the file, which UTF-16 writes with zeros between."""
    heads = (folder.path(file).read_bytes()[:4096].replace(b"\x00", b"") for file in folder.ending(".xml"))
    return any(b"annotation" in head for head in heads)


def _is_yolo(folder: DataFolder) -> bool:
    from annotation.formats.yolo import describe, label_files

    labels = label_files(folder)
    if not labels:
        return False
    stems = {stem_of(file) for file in folder.pictures()}
    beside = any(stem_of(file) in stems for file in labels)
    if beside or any("labels" in folders_of(file) for file in labels):
        return True
    try:
        return bool(describe(folder).names)
    except ValueError:
        return False


def _is_crops(folder: DataFolder) -> bool:
    first: dict[str, str] = {}
    for file in folder.pictures():
        first.setdefault(folders_of(file)[-1] if folders_of(file) else "", file)
    named = all(name and name not in SPLITS and not any(c.isdigit() for c in name) for name in first)
    return (
        named and len(first) > 1 and all(_is_small(folder.path(file)) for file in itertools.islice(first.values(), 50))
    )


def _is_small(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return max(image.size) <= CROP_PX
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False


def _is_images(folder: DataFolder) -> bool:
    return bool(folder.pictures())


_SIGNS: dict[str, Callable[[DataFolder], bool]] = {
    "coco": _is_coco,
    "masks": _is_masks,
    "points": _is_points,
    "voc": _is_voc,
    "yolo": _is_yolo,
    "crops": _is_crops,
    "images": _is_images,
}
