"""What every reader yields and every writer takes: plain values, no database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """One image and what is labelled on it.

    `image` is None where the data set holds labels only (they are matched to fields already in the project by
    `name`). `labelled` is False for an image that no label file speaks of: it enters the pool. `width` and `height`
    are what the label file claims, if it does. `split` is the data set's own (training, validation, tuning, test).
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


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader may need to be told. `radius_px` is for points, `mask_kind` for masks."""

    radius_px: float | None = None
    mask_kind: str | None = None
    class_names: Mapping[str, str] = field(default_factory=dict)


Reading = Iterator[FieldRecord | Fault]
