"""The tables of what a model found, without some of their fields."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from learning.found.tables import NONE, Found, Ints, Rows


def without_fields(found: Found, fields: Collection[int]) -> Found:
    """A copy in memory; numbers of labels in detections are those of the new table."""
    stays = ~np.isin(found.fields["field"][:-1], list(fields))
    labels, detections = stays[found.owners("labels")], stays[found.owners("detections")]
    kept = np.array(found.detections[detections])
    number = np.where(labels, np.cumsum(labels) - 1, NONE)
    for name in ("match", "near"):
        pointing = kept[name] >= 0
        kept[name][pointing] = number[kept[name][pointing]]
    rows = np.array(found.fields[np.append(stays, True)])
    for name in ("labels", "detections"):
        rows[name] = _starts(np.diff(found.fields[name])[stays])
    return Found(found.about, rows, np.array(found.labels[labels]), kept)


def _starts(lengths: Ints | Rows) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
