"""What every reader yields and every writer takes: plain values, no database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.shapes import Shape


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """One labelled object. `index` counts from 1 in its file (the line for line formats); `label` is the class as
    the file names it; `attributes` holds the flags (difficult, truncated, iscrowd, occluded, pose, immature...)."""

    index: int
    shape: Shape
    label: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was not taken: `file` relative to the data set, `index` of the object in it (None: the whole
    file), `reason` in plain words. `lost_objects` counts objects that were in the input and are lost by it."""

    file: str
    index: int | None
    reason: str
    lost_objects: int = 1


@dataclass(frozen=True, slots=True)
class FieldRecord:
    """One image and what is labelled on it. `objects` and `faults` together are all that the file held:
    objects in the file = len(objects) + the sum of `lost_objects`.

    `image` is None where the data set holds labels only (they are matched to fields already in the project by
    `name`). `labelled` is False for an image that no label file speaks of: it enters the pool. `split` is the data
    set's own (training, validation, tuning, test); where it names several for one image, `split` is None and
    `overlap` names them. `relative`: the points are shares of width and height; `check.sift` turns them into pixels.
    """

    name: str
    image: Path | None
    source: str
    objects: tuple[ObjectRecord, ...]
    labelled: bool
    faults: tuple[Fault, ...] = ()
    split: str | None = None
    case: str | None = None
    slide: str | None = None
    um_per_px: float | None = None
    exhaustive: bool | None = None
    overlap: tuple[str, ...] = ()
    relative: bool = False


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader may need to be told. `radius_px` is for points; `mask_kind` (instance, binary or
    nucleus_cytoplasm) for masks; `class_names` gives names to the codes of points, masks and YOLO."""

    radius_px: float | None = None
    mask_kind: str | None = None
    class_names: Mapping[str, str] = field(default_factory=dict)


Reading = Iterator[FieldRecord | Fault]


@dataclass(frozen=True, slots=True)
class ExportObject:
    """One cell on its way out. `class_number` is the stored number of its class, never reused in the project."""

    class_number: int
    class_name: str
    shape: Shape
    uuid: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportField:
    """One field on its way out. `name` is its file name in the archive (unique there); `image` is the stored file."""

    name: str
    width: int
    height: int
    objects: Iterable[ExportObject]
    case: str | None = None
    slide: str | None = None
    split: str | None = None
    um_per_px: float | None = None
    exhaustive: bool | None = None
    image: Path | None = None
