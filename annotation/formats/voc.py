"""Pascal VOC: one XML file for each image.

Coordinates are continuous pixel edges: a box is xmax - xmin wide, no pixel is added or taken away. The files are
found by their ending, not by the lists in ImageSets, so that overlapping lists count nothing twice. A file that
cannot be parsed is refused whole; the objects lost with it are the `<object>` tags that can still be counted in it.
"""

from __future__ import annotations

import json
import re

# Not defusedxml: it builds the tree in Python, ten times slower. What it guards against needs a DOCTYPE, and a file
# with one is refused before it is parsed.
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotation.formats.folder import SPLITS, DataFolder, Pictures, name_of, split_of, stem_of, unlabelled
from annotation.formats.records import Fault, FieldRecord, ObjectRecord, ReadOptions
from annotation.formats.text import decode, number, numbers
from annotation.shapes import KINDS, Kind, Shape

FLAGS = ("difficult", "truncated", "occluded")
EDGES = ("xmin", "ymin", "xmax", "ymax")
_OBJECT_TAG = re.compile(r"<(?:\w+:)?object[\s>/]", re.IGNORECASE)


def read(root: Path, options: ReadOptions) -> Iterator[FieldRecord | Fault]:  # noqa: ARG001 (all readers are called alike)
    """All fields of a VOC folder in any of its layouts: JPEGImages and Annotations, images and annotations, or both
    side by side. Images without an XML file follow at the end, unlabelled."""
    folder = DataFolder.scan(root)
    yield from folder.refused
    pictures = Pictures(folder)
    splits, faults = _splits(folder)
    yield from faults
    for file in folder.ending(".xml"):
        yield _read_file(folder, pictures, splits, file)
    for file in pictures.unused():
        reason = f"no label file: {stem_of(file)}.xml"
        yield unlabelled(folder, file, reason, _one(splits.get(stem_of(file), set())))


def _splits(folder: DataFolder) -> tuple[dict[str, set[str]], list[Fault]]:
    """Stem -> splits, from ImageSets/Main. `trainval` repeats train and val: it speaks where they are silent."""
    named: dict[str, set[str]] = {}
    faults: list[Fault] = []
    lists = [file for file in folder.ending(".txt") if "imagesets" in file.lower() and stem_of(file).lower() in SPLITS]
    for file in sorted(lists, key=lambda file: stem_of(file).lower() == "trainval"):
        stem = stem_of(file).lower()
        try:
            lines = decode(folder.path(file).read_bytes()).splitlines()
        except (OSError, ValueError) as error:
            faults.append(Fault(file, None, f"cannot be read: {error}", 0))
            continue
        for line in lines:
            words = line.split()
            if words and not (stem == "trainval" and words[0] in named):
                named.setdefault(words[0], set()).add(SPLITS[stem])
    return named, faults


def _one(splits: set[str]) -> str | None:
    return next(iter(splits)) if len(splits) == 1 else None


def _read_file(folder: DataFolder, pictures: Pictures, splits: dict[str, set[str]], file: str) -> FieldRecord | Fault:
    text = ""
    try:
        text = decode(folder.path(file).read_bytes())
        tree = _parse(text)
    except (OSError, ValueError) as error:
        fault = Fault(file, None, f"cannot be read as XML: {error}", len(_OBJECT_TAG.findall(text)))
        image, _ = pictures.find([f"{stem_of(file)}.jpg"], file)
        if image is None:
            return fault
        return FieldRecord(name_of(image), folder.path(image), file, (), False, (fault,), split_of(image))
    return _record(folder, pictures, splits, file, tree)


def _parse(text: str) -> ET.Element:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it declares a DOCTYPE, which is not accepted")
    try:
        tree = ET.fromstring(text.strip())  # noqa: S314
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    for element in tree.iter():
        element.tag = str(element.tag).rpartition("}")[2].lower()
    if tree.tag != "annotation":
        raise ValueError(f"its outermost element is <{tree.tag}>, not <annotation>")
    return tree


def _record(
    folder: DataFolder, pictures: Pictures, splits: dict[str, set[str]], file: str, tree: ET.Element
) -> FieldRecord:
    objects: list[ObjectRecord] = []
    faults: list[Fault] = []
    for index, element in enumerate(tree.findall("object"), 1):
        try:
            objects.append(_object(element, index))
        except ValueError as error:
            faults.append(Fault(file, index, str(error)))
    claimed = (tree.findtext("filename") or "").strip()
    image, problem = pictures.find([claimed, stem_of(file) + ".jpg"], file)
    if problem:
        faults.append(Fault(file, None, problem, 0))
    named = splits.get(stem_of(file), set())
    own = SPLITS.get((tree.findtext("split") or "").strip().lower()) or _one(named) or split_of(image or file)
    return FieldRecord(
        name=name_of(image or claimed.replace("\\", "/") or file),
        image=folder.path(image) if image else None,
        source=file,
        objects=tuple(objects),
        labelled=True,
        faults=tuple(faults),
        split=None if len(named) > 1 else own,
        case=(tree.findtext("case") or "").strip() or None,
        slide=(tree.findtext("slide") or "").strip() or None,
        um_per_px=_scale(tree),
        exhaustive=_yes_or_no(tree.findtext("exhaustive")),
        overlap=tuple(sorted(named)) if len(named) > 1 else (),
    )


def _scale(tree: ET.Element) -> float | None:
    """Micrometres a pixel, where our own file says it; what is no number is no scale."""
    try:
        return number(tree.findtext("um_per_px"), "um_per_px")
    except ValueError:
        return None


def _yes_or_no(text: str | None) -> bool | None:
    return {"yes": True, "no": False}.get((text or "").strip())


def _object(element: ET.Element, index: int) -> ObjectRecord:
    label = (element.findtext("name") or "").strip()
    if not label:
        raise ValueError("no class name")
    uuid = (element.findtext("uuid") or "").strip() or None
    return ObjectRecord(index, _shape(element), label, _attributes(element), uuid)


def _shape(element: ET.Element) -> Shape:
    """What our own files say exactly, else a foreign polygon, else the box."""
    own = (element.findtext("shape") or "").strip()
    if own in KINDS:
        return _own_shape(element, own)
    polygon = element.find("polygon")
    if polygon is not None and len(polygon):
        return Shape("contour", _corners(polygon))
    box = element.find("bndbox")
    if box is None:
        raise ValueError("no bndbox")
    return Shape("box", tuple(number(box.findtext(edge), edge) for edge in EDGES))


def _own_shape(element: ET.Element, kind: Kind) -> Shape:
    tag = {"circle": "circle", "box": "exact", "contour": "polygon"}[kind]
    text = element.findtext(tag)
    if not text or not text.strip():
        raise ValueError(f"its shape is {kind}, but there is no <{tag}>")
    return Shape(kind, numbers(text, tag))


def _corners(polygon: ET.Element) -> tuple[float, ...]:
    """Corners of a polygon, as <x1>, <y1>, <x2>... or as <pt><x>, <y></pt>."""
    points = [(point.findtext("x"), point.findtext("y")) for point in polygon.findall("pt")]
    if not points:
        count = sum(child.tag.startswith("x") for child in polygon)
        points = [(polygon.findtext(f"x{i}"), polygon.findtext(f"y{i}")) for i in range(1, count + 1)]
    return tuple(number(value, "polygon") for point in points for value in point)


def _attributes(element: ET.Element) -> dict[str, Any]:
    """Ours come back as they went; of a foreign file the flags that are set, and the pose where one is named."""
    if element.find("shape") is not None:
        return {child.get("name", ""): json.loads(child.text or "null") for child in element.findall("attribute")}
    found: dict[str, Any] = {flag: True for flag in FLAGS if (element.findtext(flag) or "").strip() in ("1", "true")}
    pose = (element.findtext("pose") or "").strip()
    return found | {"pose": pose} if pose and pose.lower() != "unspecified" else found
