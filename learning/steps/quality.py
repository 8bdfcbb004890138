"""Fields that nobody should be asked to label: blurred, blank, or a picture that is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from annotation.models import Field
from learning.exchange import path_of
from learning.strategies.quality import contrast, flags, perceptual_hash, sharpness
from models_zoo.images import read_rgb, resize

Report = Callable[[int, int], None]

# Focus and contrast show at this size as well, and reading a pool should not take all day.
LONGEST_SIDE = 1024
GREY = np.array([0.299, 0.587, 0.114], np.float32)


def faults_of(fields: Sequence[Field], labelled: Sequence[Field], report: Report) -> tuple[str | None, ...]:
    """For each of `fields` why it should not be asked for, or None; sharpness is judged against the whole pool.

    The hash that an import keeps is quick but coarse; what is asked of a person is compared by the better one.
    """
    total = len(fields) + len(labelled)
    sharp, contrasts, hashes = np.zeros(len(fields)), np.zeros(len(fields)), np.zeros(len(fields), np.uint64)
    for number, field in enumerate(fields):
        grey = _grey(field)
        sharp[number], contrasts[number], hashes[number] = sharpness(grey), contrast(grey), perceptual_hash(grey)
        report(number + 1, total)
    known = []
    for number, field in enumerate(labelled, start=len(fields)):
        known.append((field.public_name, perceptual_hash(_grey(field))))
        report(number + 1, total)
    names = [field.public_name for field in fields]
    return flags(names, sharp, contrasts, hashes, labelled=known, groups=groups_of(fields))


def _grey(field: Field) -> NDArray[np.float32]:
    scale = min(1.0, LONGEST_SIDE / max(field.width, field.height))
    return np.asarray(resize(read_rgb(path_of(field)), scale) @ GREY, np.float32)


def groups_of(fields: Sequence[Field]) -> NDArray[np.int64]:
    """The slide of each field, else its case, as a number; -1 where neither is known."""
    names = [f"slide {f.slide_id}" if f.slide_id else f"case {f.case_id}" if f.case_id else "" for f in fields]
    numbers = {name: number for number, name in enumerate(sorted(set(names) - {""}))}
    return np.array([numbers.get(name, -1) for name in names], np.int64)
