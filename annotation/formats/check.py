"""What only the true image can tell: which objects of a record cannot be cells of it."""

from __future__ import annotations

import itertools
from dataclasses import replace

from annotation.formats.records import Fault, FieldRecord, ObjectRecord
from annotation.shapes import Shape, fault_of


def sift(record: FieldRecord, width: int, height: int) -> tuple[list[ObjectRecord], list[Fault]]:
    """Divide a record's objects into good ones and faults, given the size of the image in pixels.

    Refused are shapes that `annotation.shapes.fault_of` refuses and exact duplicates (same class, kind and numbers);
    the earlier of two stays. Objects of a `relative` record come back in pixels. Faults that the reader found already
    are not repeated here.
    """
    good: list[ObjectRecord] = []
    faults: list[Fault] = []
    seen: dict[tuple[str, Shape], int] = {}
    for item in record.objects:
        if record.relative:
            item = replace(item, shape=_in_pixels(item.shape, width, height))
        key = (item.label, item.shape)
        reason = fault_of(item.shape, width, height)
        if reason is None and key in seen:
            reason = f"exact duplicate of object {seen[key]}"
        if reason is None:
            seen[key] = item.index
            good.append(item)
        else:
            faults.append(Fault(record.source, item.index, reason))
    return good, faults


def _in_pixels(shape: Shape, width: int, height: int) -> Shape:
    """Shares of width and height, x and y in turn, as pixels."""
    sides = itertools.cycle((width, height))
    return Shape(shape.kind, tuple(share * side for share, side in zip(shape.points, sides, strict=False)))


def image_missing(record: FieldRecord) -> Fault:
    """The fault of a record whose image is neither in the data set nor in the project: all its objects are lost."""
    return Fault(record.source, None, f"image missing: {record.name}", len(record.objects))
