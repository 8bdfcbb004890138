"""COCO out: annotations/instances.json, streamed, and images/ if they are wanted.

`bbox` is [x, y, width, height] in pixels; a contour is its `segmentation`, circles and boxes have none. Beside the
standard fields stand `shape`, `circle` [cx, cy, r] or `box` [x0, y0, x1, y1] (exact, where x + width would round),
`uuid` and `attributes`. The category's id is the stored number of the class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import orjson

from annotation.formats.records import ExportField, ExportObject
from annotation.formats.written import RESEARCH_USE, Hashed, Told, Written, add_images

LABELS = "annotations/instances.json"
_BATCH = 1 << 16


def write_coco(
    archive: ZipFile,
    fields: Iterable[ExportField],
    classes: Mapping[int, str],
    *,
    images: bool = False,
    told: Told | None = None,
) -> Written:
    """Write `fields` into an open archive. `classes` (number -> name) become the categories, also unused ones.

    `told` hears how many images are in.

    Memory grows with the fields (about 300 bytes each), not with the objects. Raises KeyError for an object whose
    class is not in `classes`.
    """
    written = Written("coco")
    entries: list[bytes] = []
    files: list[tuple[str, Path]] = []
    out = Hashed(archive, LABELS)
    try:
        out.put(b'{"info":' + orjson.dumps({"description": "Marrowloop export", "notice": RESEARCH_USE}))
        out.put(b',"licenses":[],"annotations":[')
        for number, field in enumerate(fields, 1):
            _put_objects(out, field, number, classes, written)
            entries.append(orjson.dumps(_image(field, number)))
            if images and field.image is not None:
                files.append((field.name, field.image))
        out.put(b'],"images":[' + b",".join(entries))
        categories = [{"id": number, "name": name, "supercategory": ""} for number, name in sorted(classes.items())]
        out.put(b'],"categories":' + orjson.dumps(categories) + b"}")
    finally:
        out.close()
    written.images = len(entries)
    written.label_files[LABELS] = out.sha256
    written.image_files = add_images(archive, "images", files, told)
    return written


def _image(field: ExportField, number: int) -> dict[str, Any]:
    known = {
        "case": field.case,
        "slide": field.slide,
        "split": field.split,
        "um_per_px": field.um_per_px,
        "exhaustive": field.exhaustive,
    }
    entry: dict[str, Any] = {"id": number, "file_name": field.name, "width": field.width, "height": field.height}
    return entry | {key: value for key, value in known.items() if value is not None}


def _put_objects(out: Hashed, field: ExportField, image: int, classes: Mapping[int, str], written: Written) -> None:
    pieces: list[bytes] = []
    size = 0
    for item in field.objects:
        classes[item.class_number]  # an unknown class must not get out
        piece = orjson.dumps(_object(item, image, written.objects + 1))
        pieces.append(b"," + piece if written.objects else piece)
        size += len(piece)
        written.count(item, "contour" if item.shape.kind == "contour" else "box")
        if size > _BATCH:
            out.put(b"".join(pieces))
            pieces, size = [], 0
    out.put(b"".join(pieces))


def _object(item: ExportObject, image: int, number: int) -> dict[str, Any]:
    shape = item.shape
    x0, y0, x1, y1 = shape.bounds
    entry: dict[str, Any] = {
        "id": number,
        "image_id": image,
        "category_id": item.class_number,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": shape.area,
        "iscrowd": int(bool(item.attributes.get("iscrowd"))),
        "segmentation": [shape.points] if shape.kind == "contour" else [],
        "shape": shape.kind,
        "uuid": item.uuid,
        "attributes": dict(item.attributes),
    }
    if shape.kind != "contour":
        entry[shape.kind] = shape.points
    return entry
