"""Pascal VOC out: Annotations/NAME.xml for each field, ImageSets/Main, and JPEGImages/ if they are wanted.

`bndbox` holds whole numbers, never of zero size and inside the image, as common readers expect. Beside it stand
<shape>, the exact numbers in <circle> (cx cy r), <polygon> (x y x y ...) or <exact> (x0 y0 x1 y1), <uuid>, and an
<attribute name="..."> in JSON for each attribute.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZipFile

import orjson

from annotation.formats.records import ExportField, ExportObject
from annotation.formats.written import Told, Written, add_images
from annotation.shapes import Shape

FLAGS = ("truncated", "difficult", "occluded")
_EXACT = {"circle": "circle", "box": "exact", "contour": "polygon"}
_NAMES = {"training": "train", "validation": "val"}
# XML 1.0 has no way to write these.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def write_voc(
    archive: ZipFile, fields: Iterable[ExportField], *, images: bool = False, told: Told | None = None
) -> Written:
    """Write `fields` into an open archive, one XML file at a time; `told` hears how many images are in.

    Raises ValueError when two would have one name.
    """
    written = Written("voc")
    files: list[tuple[str, Path]] = []
    splits: dict[str, list[str]] = {}
    for field in fields:
        stem = PurePosixPath(field.name).stem
        name = f"Annotations/{stem}.xml"
        if name in written.label_files:
            raise ValueError(f"Two fields would be written to {name}.")
        content = field_xml(field, written).encode()
        archive.writestr(name, content)
        written.label_files[name] = hashlib.sha256(content).hexdigest()
        written.images += 1
        splits.setdefault(field.split or "", []).append(stem)
        if images and field.image is not None:
            files.append((field.name, field.image))
    for split, stems in sorted(splits.items()):
        if split:
            archive.writestr(f"ImageSets/Main/{_NAMES.get(split, split)}.txt", "".join(f"{stem}\n" for stem in stems))
    written.image_files = add_images(archive, "JPEGImages", files, told)
    return written


def field_xml(field: ExportField, written: Written) -> str:
    """The XML of one field; its objects are counted in `written`."""
    known = {
        "case": field.case,
        "slide": field.slide,
        "split": field.split,
        "um_per_px": None if field.um_per_px is None else repr(field.um_per_px),
        "exhaustive": None if field.exhaustive is None else "yes" if field.exhaustive else "no",
    }
    size = f"<size><width>{field.width}</width><height>{field.height}</height><depth>3</depth></size>"
    head = "".join(f"<{tag}>{text(value)}</{tag}>" for tag, value in known.items() if value is not None)
    pieces = [
        f"<annotation>\n<folder>JPEGImages</folder><filename>{text(field.name)}</filename>",
        f"{size}<segmented>0</segmented>{head}\n",
    ]
    for item in field.objects:
        pieces.append(_object(item, field.width, field.height))
        written.count(item, "box")
    pieces.append("</annotation>\n")
    return "".join(pieces)


def text(value: str) -> str:
    """Text between tags. What XML cannot hold becomes the replacement character; a carriage return is kept."""
    return escape(_UNWRITABLE.sub("\ufffd", value), {"\r": "&#13;"})


def _object(item: ExportObject, width: int, height: int) -> str:
    shape = item.shape
    xmin, ymin, xmax, ymax = whole_box(shape, width, height)
    flags = "".join(f"<{flag}>{int(bool(item.attributes.get(flag)))}</{flag}>" for flag in FLAGS)
    pose = str(item.attributes.get("pose", "Unspecified"))
    exact = " ".join(map(repr, map(float, shape.points)))
    attributes = "".join(
        f"<attribute name={quoteattr(_UNWRITABLE.sub('', key))}>{text(orjson.dumps(value).decode())}</attribute>"
        for key, value in item.attributes.items()
    )
    return (
        f"<object><name>{text(item.class_name)}</name><pose>{text(pose)}</pose>"
        f"{flags}<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>"
        f"<shape>{shape.kind}</shape><{_EXACT[shape.kind]}>{exact}</{_EXACT[shape.kind]}>"
        f"<uuid>{text(item.uuid)}</uuid>{attributes}</object>\n"
    )


def whole_box(shape: Shape, width: int, height: int) -> tuple[int, int, int, int]:
    """The smallest box of whole pixels around a shape, inside the image and at least one pixel wide and high."""
    x0, y0, x1, y1 = shape.bounds
    xmin, xmax = _whole(x0, x1, width)
    ymin, ymax = _whole(y0, y1, height)
    return xmin, ymin, xmax, ymax


def _whole(low: float, high: float, size: int) -> tuple[int, int]:
    first = min(max(math.floor(low), 0), size - 1)
    return first, max(min(math.ceil(high), size), first + 1)
