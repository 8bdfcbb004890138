"""Fields that nobody should be asked to label: blurred, blank, or a picture that is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from annotation.models import Field
from learning.exchange import path_of
from learning.strategies.quality import Measures, faults, measure
from models_zoo.images import read_rgb

Report = Callable[[int, int], None]


def faults_of(fields: Sequence[Field], labelled: Sequence[Field], report: Report) -> tuple[str | None, ...]:
    """For each of `fields` why it should not be asked for, or None; sharpness is judged against the whole pool."""
    measures: list[Measures] = []
    for number, field in enumerate(fields, start=1):
        measures.append(measure(read_rgb(path_of(field))))
        report(number, len(fields))
    return faults(measures, [int(f.phash, 16) for f in fields], [int(f.phash, 16) for f in labelled])
