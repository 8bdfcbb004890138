"""A set of generated fields saved as a COCO data set: images/ and annotations.json."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models_zoo.generator.morphology import CLASSES
from models_zoo.generator.outlines import Points
from models_zoo.generator.records import GeneratedCell, GeneratedField


def write_set(folder: Path, fields: Iterable[GeneratedField]) -> Path:
    """Save `fields` under `folder` and answer the path of annotations.json.

    Beside COCO's own keys (ids from 1, polygons and boxes in pixels, the corner of the first pixel is (0, 0)): images
    carry `case`, `slide`, `um_per_px`, `stain`, `flaw` and `exhaustive`, annotations `shape` ("contour"), `attributes`
    and, where it is known, the polygon `nucleus`. Fields are written one by one: only their truth stays in memory.
    Raises FileExistsError where the folder already holds a set.
    """
    target = folder / "annotations.json"
    if target.exists():
        raise FileExistsError(f"{target} exists; name another folder, or delete that set first")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, one in enumerate(fields, start=1):
        entry = _image_entry(number, one)
        Image.fromarray(one.image).save(folder / "images" / entry["file_name"], compress_level=3)
        images.append(entry)
        annotations += [_annotation(len(annotations) + i, number, cell) for i, cell in enumerate(one.cells, start=1)]
    categories = [{"id": number, "name": key} for number, key in enumerate(CLASSES, start=1)]
    info = {"description": "Generated marrow-like fields; no patient is behind them."}
    content = {"info": info, "images": images, "annotations": annotations, "categories": categories}
    target.write_text(json.dumps(content))
    return target


def _image_entry(number: int, one: GeneratedField) -> dict[str, Any]:
    height, width = one.image.shape[:2]
    return {
        "id": number,
        "file_name": f"field-{number:05d}.png",
        "width": width,
        "height": height,
        "case": one.case,
        "slide": one.slide,
        "um_per_px": one.um_per_px,
        "stain": one.stain,
        "flaw": one.flaw,
        "exhaustive": True,
    }


def _annotation(number: int, image: int, cell: GeneratedCell) -> dict[str, Any]:
    low, high = cell.contour.min(axis=0), cell.contour.max(axis=0)
    entry: dict[str, Any] = {
        "id": number,
        "image_id": image,
        "category_id": CLASSES.index(cell.label) + 1,
        "segmentation": [_flat(cell.contour)],
        "bbox": [round(float(v), 2) for v in (*low, *(high - low))],
        "area": round(area(cell.contour), 2),
        "iscrowd": 0,
        "shape": "contour",
        "attributes": dict.fromkeys(sorted(cell.attributes), True),
    }
    if cell.nucleus is not None:
        entry["nucleus"] = _flat(cell.nucleus)
    return entry


def _flat(points: Points) -> list[float]:
    return [round(float(value), 2) for value in points.ravel()]


def area(points: Points) -> float:
    """Area of a simple polygon (k, 2) in square pixels (shoelace formula)."""
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
