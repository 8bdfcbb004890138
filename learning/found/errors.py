"""A model's errors and the labels it makes suspicious, worst first, from the tables of what it found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from learning import faults
from learning.found.tables import NONE, SPLITS, Found, Ints, plain
from models_zoo.metrics.rule import overlaps

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Kind(StrEnum):
    """The first three are errors of the model; a fault is one that the label is suspected of."""

    FALSE_ALARM = "false-alarm"
    MISSED = "missed"
    CONFUSED = "confused"
    FAULT = "fault"


class What(StrEnum):
    """What exactly: the three errors, and the three ways in which a label is suspected."""

    FALSE_ALARM = "false alarm"
    MISSED = "missed"
    CONFUSED = "taken for another class"
    WRONG_CLASS = "label of another class?"
    UNLABELLED = "label missing?"
    UNFOUND = "label where nothing is?"


WHATS = tuple(What)
_FAR = 1_000_000  # further apart than any two class numbers
OF_LABELS = (What.MISSED, What.UNFOUND)
# Test is only reported: labels that are mended where a model disagrees with them would be bent towards the model.
SPLITS_OF = {
    Kind.FALSE_ALARM: SPLITS,
    Kind.MISSED: SPLITS,
    Kind.CONFUSED: SPLITS,
    Kind.FAULT: ("training", "validation", "tuning"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which errors. `either` is a class (an output) that the label or the detection must have; `truth` and `found`
    are those of a pair. `above`: for class numbers those that stand above them in the ontology, as pairs."""

    kind: Kind
    splits: frozenset[str]
    either: int | None = None
    truth: int | None = None
    found: int | None = None
    above: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Ranked:
    """Errors, the highest `worst` first: `what` as indices of WHATS, `rows` of the table that each is about."""

    what: NDArray[np.intp]
    rows: Ints
    worst: Floats

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Error:
    """One of them, as a page shows it. Boxes in field pixels; classes as outputs, negative or None where there is none.

    `row` is its row among labels or detections, by `about_label`.
    """

    what: What
    row: int
    about_label: bool
    worst: float
    field: int
    reading: int
    split: str
    label: list[float] | None
    label_uuid: str
    label_number: int | None
    label_output: int | None
    box: list[float] | None
    output: int | None
    score: float | None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Round all that it is about."""
        boxes = np.array([box for box in (self.label, self.box) if box is not None])
        x0, y0 = boxes[:, :2].min(0)
        x1, y1 = boxes[:, 2:].max(0)
        return float(x0), float(y0), float(x1), float(y1)


def rank_errors(found: Found, wanted: Wanted) -> Ranked:
    """All errors that are wanted, worst first; equal ones in the order of the tables."""
    shown = found.shown()
    match wanted.kind:
        case Kind.FALSE_ALARM:
            parts = [_false_alarms(found, shown)]
        case Kind.MISSED:
            parts = [_missed(found, shown)]
        case Kind.CONFUSED:
            parts = [_confused(found, shown)]
        case Kind.FAULT:
            parts = _faults(found, shown, wanted.above)
    chosen = found.in_splits(set(wanted.splits) & set(SPLITS_OF[wanted.kind]))
    kept = [_kept(found, part, wanted, chosen) for part in parts]
    what, rows, worst = (np.concatenate([getattr(part, name) for part in kept]) for name in ("what", "rows", "worst"))
    order = np.argsort(-worst, kind="stable")
    return Ranked(what[order], rows[order], worst[order])


def _part(what: What, rows: Ints, worst: NDArray[np.floating]) -> Ranked:
    return Ranked(np.full(len(rows), WHATS.index(what), np.intp), rows, np.asarray(worst, np.float64))


def _false_alarms(found: Found, shown: Bools) -> Ranked:
    """By score; but those on a labelled cell, which another detection stands for or which they cover badly, last."""
    rows = np.flatnonzero(shown & (found.detections["match"] < 0))
    near = found.detections["near"][rows]
    on_cell = np.zeros(len(rows), np.bool_)
    on_cell[near >= 0] = found.labels["output"][near[near >= 0]] >= 0
    return _part(What.FALSE_ALARM, rows, found.detections["score"][rows] - on_cell)


def _missed(found: Found, shown: Bools) -> Ranked:
    labels = found.labels
    rows = np.flatnonzero((labels["output"] >= 0) & (found.hit(shown) == NONE))
    return _part(What.MISSED, rows, labels["clear"][rows] * (1 - labels["best"][rows]))


def _confused(found: Found, shown: Bools) -> Ranked:
    rows = _of_another_class(found, shown)
    return _part(What.CONFUSED, rows, found.detections["score"][rows] - found.detections["said"][rows])


def _of_another_class(found: Found, shown: Bools) -> Ints:
    rows = np.flatnonzero(shown & (found.detections["match"] >= 0))
    true = found.labels["output"][found.detections["match"][rows]]
    result: Ints = rows[true != found.detections["output"][rows]]
    return result


def _faults(found: Found, shown: Bools, above: frozenset[tuple[int, int]]) -> list[Ranked]:
    chance = found.about.calibrator
    detections, labels = found.detections, found.labels
    mixed = _contradicting(found, _of_another_class(found, shown), above)
    margin = faults.wrong_class(chance(detections["score"][mixed]), chance(detections["said"][mixed]))
    # what covers a label, also one of an artefact, is a second box or a confusion, but no cell without a label
    alone = np.flatnonzero(shown & (detections["match"] < 0) & (detections["near"] < 0))
    unseen = np.flatnonzero((labels["output"] >= 0) & (found.hit(shown) == NONE))
    recall = _recalls(found, shown)[labels["output"][unseen]]
    doubts = faults.unfound(labels["best"][unseen], found.about.threshold, labels["clear"][unseen], recall)
    parts = [
        _part(What.WRONG_CLASS, mixed, margin),
        _part(What.UNLABELLED, alone, faults.unlabelled(chance(detections["score"][alone]))),
        _part(What.UNFOUND, unseen, doubts),
    ]
    return [_worth_a_look(part) for part in parts]


def _contradicting(found: Found, rows: Ints, above: frozenset[tuple[int, int]]) -> Ints:
    """Those detections that contradict their label: the model tells its class apart, and does not just say less."""
    match = found.detections["match"][rows]
    numbers = np.array(found.about.numbers, np.intp)
    labelled, said = found.labels["number"][match], numbers[found.detections["output"][rows]]
    is_known = numbers[found.labels["output"][match]] == labelled
    pairs = [label * _FAR + coarser for label, coarser in above]
    result: Ints = rows[is_known & ~np.isin(labelled.astype(np.intp) * _FAR + said, pairs)]
    return result


def _worth_a_look(part: Ranked) -> Ranked:
    keep = part.worst >= faults.WORTH_A_LOOK
    return Ranked(part.what[keep], part.rows[keep], part.worst[keep])


def _recalls(found: Found, shown: Bools) -> Floats:
    """By output: the share of its labels that are found at the threshold, whatever class they are given; never test."""
    used = found.in_splits(set(SPLITS_OF[Kind.FAULT]))[found.owners("labels")] & (found.labels["output"] >= 0)
    outputs, number = found.labels["output"][used], len(found.about.names)
    there = np.bincount(outputs, minlength=number)
    hits = np.bincount(outputs, found.hit(shown)[used] != NONE, number)
    return np.divide(hits, there, out=np.zeros(number), where=there > 0)


def _kept(found: Found, part: Ranked, wanted: Wanted, chosen: Bools) -> Ranked:
    """Those in the fields that are `chosen` and of the classes that are wanted."""
    if not len(part):
        return part
    of_labels = WHATS[part.what[0]] in OF_LABELS
    table = "labels" if of_labels else "detections"
    starts = found.fields[table]
    keep = chosen[np.searchsorted(starts, part.rows, side="right") - 1]
    truth, seen = _classes(found, part, of_labels)
    if wanted.truth is not None:
        keep &= truth == wanted.truth
    if wanted.found is not None:
        keep &= seen == wanted.found
    if wanted.either is not None:
        keep &= (truth == wanted.either) | (seen == wanted.either)
    return Ranked(part.what[keep], part.rows[keep], part.worst[keep])


def _classes(found: Found, part: Ranked, of_labels: bool) -> tuple[Ints, Ints]:
    """The outputs of label and detection of each error, NONE where there is none."""
    nothing = np.full(len(part), NONE, np.intp)
    if of_labels:
        return found.labels["output"][part.rows].astype(np.intp), nothing
    seen = found.detections["output"][part.rows].astype(np.intp)
    match = found.detections["match"][part.rows]
    truth = np.where(match >= 0, found.labels["output"][match] if len(found.labels) else NONE, NONE)
    return truth, seen


def look_closer(found: Found, ranked: Ranked, first: int, count: int) -> list[Error]:
    """The errors from number `first` on, at most `count`."""
    part = slice(first, first + count)
    return [
        error_at(found, WHATS[what], int(row), float(worst))
        for what, row, worst in zip(ranked.what[part], ranked.rows[part], ranked.worst[part], strict=True)
    ]


def error_at(found: Found, what: What, row: int, worst: float = 0.0) -> Error:
    """One error by its row. Raises IndexError where there is no such row."""
    about_label = what in OF_LABELS
    table = "labels" if about_label else "detections"
    if not 0 <= row < len(getattr(found, table)):
        raise IndexError(f"there is no row {row} among {len(getattr(found, table))} {table}")
    owner = found.fields[int(np.searchsorted(found.fields[table], row, side="right")) - 1]
    label = row if about_label else _label_of(found, row)
    seen = _detection_near(found, row) if about_label else row
    return Error(
        what=what,
        row=row,
        about_label=about_label,
        worst=worst,
        field=int(owner["field"]),
        reading=int(owner["reading"]),
        split=SPLITS[int(owner["split"])],
        label=None if label is None else plain(found.labels["box"][label]),
        label_uuid="" if label is None else str(UUID(bytes=found.labels["uuid"][label].tobytes())),
        label_number=None if label is None else int(found.labels["number"][label]),
        label_output=None if label is None else int(found.labels["output"][label]),
        box=None if seen is None else plain(found.detections["box"][seen]),
        output=None if seen is None else int(found.detections["output"][seen]),
        score=None if seen is None else float(found.detections["score"][seen]),
    )


def _label_of(found: Found, row: int) -> int | None:
    """The label that a detection stands for, else the one it covers most."""
    match, near = int(found.detections["match"][row]), int(found.detections["near"][row])
    label = match if match != NONE else near
    return None if label == NONE else label


def _detection_near(found: Found, label: int) -> int | None:
    """The best detection that covers a label without being shown as its hit: what the model thought of, if anything."""
    owner = int(np.searchsorted(found.fields["labels"], label, side="right")) - 1
    part = found.detections_of(owner)
    boxes = np.asarray(found.detections["box"][part], np.float64)
    if not len(boxes):
        return None
    common = overlaps(boxes, np.asarray(found.labels["box"][label], np.float64)[None])[:, 0]
    covering = np.flatnonzero(common >= 0.5)
    return part.start + int(covering[0]) if len(covering) else None
