"""COCO: one or several JSON files for all images, read as a stream.

A polygon becomes a contour; a box or run-length mask a box (a crowd keeps its flag `iscrowd`). An object in several
pieces that touch becomes the contour around them; pieces that lie apart become their common box, keep their polygons
in the attribute `segmentation`, and are reported. Fields of our own exports (shape, circle, box, uuid, attributes)
come back exactly, as long as they still agree with `bbox`: another program may have moved that. An image that is
listed without annotations was looked at and holds nothing; in a file without any list of annotations it is unlabelled.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from annotation.formats.coco_shapes import shape_of
from annotation.formats.folder import SPLITS, DataFolder, Pictures, name_of, split_of, stem_of, unlabelled
from annotation.formats.json_stream import JsonFile
from annotation.formats.records import Fault, FieldRecord, ObjectRecord, ReadOptions
from annotation.formats.spool import Spool

KEYS = ("images", "annotations", "categories", "image_id")


@dataclass(frozen=True, slots=True)
class _Image:
    """An entry of `images`."""

    name: str
    split: str | None
    case: str | None
    slide: str | None
    um_per_px: float | None
    exhaustive: bool | None


def read(root: Path, options: ReadOptions) -> Iterator[FieldRecord | Fault]:  # noqa: ARG001 (all readers are called alike)
    """All fields of a COCO folder, or of one JSON file (its images are looked for in the file's folder). Images that
    no file lists follow at the end, unlabelled."""
    folder = DataFolder.scan(root.parent if root.is_file() else root)
    yield from folder.refused
    pictures = Pictures(folder)
    names = [root.name] if root.is_file() else folder.ending(".json")
    looked = {name: JsonFile.look(folder.path(name), KEYS) for name in names}
    files = {name: json for name, json in looked.items() if root.is_file() or is_coco(json)}
    for name, json in files.items():
        with Spool() as spool:
            yield from _read_file(folder, pictures, name, json, spool)
    for file in pictures.unused():
        yield unlabelled(folder, file, f"no label file: listed in none of {', '.join(list(files)[:3])}")


def is_coco(json: JsonFile) -> bool:
    """Whether a file that was looked through with KEYS has two of them. It may be broken and lack the rest."""
    return len(json.keys) > 1


def _read_file(
    folder: DataFolder, pictures: Pictures, file: str, json: JsonFile, spool: Spool
) -> Iterator[FieldRecord | Fault]:
    faults: list[Fault] = []
    try:
        images, places = _images(json, file, faults)
        names = {item["id"]: str(item.get("name", "")) for item in json.items("categories") if _has_id(item)}
        for index, item in enumerate(json.items("annotations"), 1):
            fault = _shelve(spool, places, index, item, file)
            if fault:
                faults.append(fault)
    except (OSError, ValueError) as error:
        yield Fault(file, None, f"cannot be read as JSON: {error}", _countable(json))
        return
    if not images:
        faults.append(Fault(file, None, "lists no images", 0))
    yield from faults
    for group, found in spool.groups(len(images)):
        yield _record(folder, pictures, file, images[group], found, names, "annotations" in json.keys)


def _countable(json: JsonFile) -> int:
    """How many annotations of a broken file can still be counted: all of them are lost with it."""
    count = 0
    with contextlib.suppress(OSError, ValueError):
        for _ in json.items("annotations"):
            count += 1
    return count


def _has_id(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("id"), (int, float, str))


def _images(json: JsonFile, file: str, faults: list[Fault]) -> tuple[list[_Image], dict[Any, int]]:
    """The entries of `images`, and the place of each by its id."""
    images: list[_Image] = []
    places: dict[Any, int] = {}
    for index, item in enumerate(json.items("images"), 1):
        if not _has_id(item) or not isinstance(item.get("file_name"), str):
            faults.append(Fault(file, None, f"image {index} of the list has no id or no file_name", 0))
        elif item["id"] in places:
            faults.append(Fault(file, None, f"image {index} of the list has the id of an earlier one: {item['id']}", 0))
        else:
            places[item["id"]] = len(images)
            images.append(_image(item))
    return images, places


def _image(item: Mapping[str, Any]) -> _Image:
    def text(key: str) -> str | None:
        value = item.get(key)
        return value if isinstance(value, str) and value else None

    scale, exhaustive, split = item.get("um_per_px"), item.get("exhaustive"), text("split")
    return _Image(
        name=item["file_name"].replace("\\", "/"),
        split=SPLITS.get(split.lower()) if split else None,
        case=text("case"),
        slide=text("slide"),
        um_per_px=float(scale) if isinstance(scale, (int, float)) and scale > 0 else None,
        exhaustive=exhaustive if isinstance(exhaustive, bool) else None,
    )


def _shelve(spool: Spool, places: Mapping[Any, int], index: int, item: Any, file: str) -> Fault | None:
    """Put an annotation with its image. What has none is shelved under -1, so that indices stay right."""
    image_id = item.get("image_id") if isinstance(item, dict) else None
    place = places.get(image_id) if isinstance(image_id, (int, float, str)) else None
    if place is not None:
        try:
            spool.add(place, item)
            return None
        except TypeError as error:  # what no JSON writer takes: numbers beyond 64 bits, half characters, endless depth
            spool.add(-1, None)
            return Fault(file, index, f"cannot be used: {error}")
    spool.add(-1, None)
    return Fault(file, index, f"image_id {image_id!r} is not in the list of images")


def _record(
    folder: DataFolder,
    pictures: Pictures,
    file: str,
    entry: _Image,
    found: list[tuple[int, Any]],
    names: Mapping[Any, str],
    labelled: bool,
) -> FieldRecord | Fault:
    if ".." in PurePosixPath(entry.name).parts:
        return Fault(file, None, f"file_name leads out of the data set: {entry.name}", len(found))
    split = entry.split or _split_of_file(file)
    image, problem = pictures.find([entry.name], file, split)
    faults = [Fault(file, None, problem, 0)] if problem else []
    objects: list[ObjectRecord] = []
    for index, item in found:
        try:
            made, note = _object(index, item, names)
            objects.append(made)
            faults += [Fault(file, index, note, 0)] if note else []
        except ValueError as error:
            faults.append(Fault(file, index, str(error)))
    return FieldRecord(
        name=name_of(image or entry.name),
        image=folder.path(image) if image else None,
        source=file,
        objects=tuple(objects),
        labelled=labelled,
        faults=tuple(faults),
        split=split or split_of(image or entry.name),
        case=entry.case,
        slide=entry.slide,
        um_per_px=entry.um_per_px,
        exhaustive=entry.exhaustive,
    )


def _split_of_file(file: str) -> str | None:
    """The split that a JSON file is named after: instances_train2017.json, train/_annotations.coco.json."""
    words = stem_of(file).lower().replace("-", "_").split("_")
    plain = [word.rstrip("0123456789") for word in words]
    return next((SPLITS[word] for word in plain if word in SPLITS), None) or split_of(file)


def _object(index: int, item: Mapping[str, Any], names: Mapping[Any, str]) -> tuple[ObjectRecord, str | None]:
    category = item.get("category_id")
    label = names.get(category, "") if isinstance(category, (int, float, str)) else ""
    if not label:
        raise ValueError(f"unknown class: category_id {category!r} is not in the list of categories")
    shape, extra, note = shape_of(item)
    own = item.get("attributes")
    attributes = dict(own) if isinstance(own, dict) else {}
    if item.get("iscrowd"):
        attributes.setdefault("iscrowd", True)
    uuid = item.get("uuid")
    return ObjectRecord(index, shape, label, {**extra, **attributes}, uuid if isinstance(uuid, str) else None), note
