"""Crops: a folder for each class, images of one cell each. The label is a box over the whole crop.

A file that is no image is reported with one lost object; an image in no folder is reported and stays unlabelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from PIL import Image

from annotation.formats.folder import SPLITS, DataFolder, name_of, split_of, unlabelled
from annotation.formats.records import Fault, FieldRecord, ObjectRecord, ReadOptions
from annotation.shapes import Shape

_WHOLE = Shape("box", (0.0, 0.0, 1.0, 1.0))


def read(root: Path, options: ReadOptions) -> Iterator[FieldRecord | Fault]:
    """A field with one box for each image; the class is the folder that it lies in. The image is not decoded: the
    record is `relative`, a box from 0 to 1."""
    folder = DataFolder.scan(root)
    yield from folder.refused
    for file in folder.pictures():
        label = PurePosixPath(file).parent.name
        if not label or label.lower() in SPLITS:
            yield unlabelled(folder, file, "lies in no folder that names its class")
            continue
        if not _is_image(folder.path(file)):
            yield Fault(file, None, "is not an image")
            continue
        item = ObjectRecord(1, _WHOLE, options.class_names.get(label, label))
        yield FieldRecord(name_of(file), folder.path(file), file, (item,), True, split=split_of(file), relative=True)


def _is_image(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except (OSError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False
