"""What a model makes of one field, as marks to draw over its picture: told apart by shape and by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from learning.found import comparing
from learning.found.tables import Found, plain

STATE_WORDS = {
    comparing.NOT_JUDGED: "not judged",
    comparing.MISSED: "missed",
    comparing.WRONG_CLASS: "other class",
    comparing.RIGHT: "hit",
}
STATE_SHAPES = {comparing.MISSED: "missed", comparing.WRONG_CLASS: "other", comparing.RIGHT: "hit"}
# Each with its shape and its word: colour only helps.
SHAPES = (("hit", "Hit"), ("other", "Found as another class"), ("missed", "Missed"), ("alarm", "False alarm"))


@dataclass
class Overlay:
    """What one model makes of a field: `marks` to draw, and how many of each there are."""

    marks: list[dict[str, Any]]
    counts: dict[str, int]
    labels: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, found: Found, field: int, names: Mapping[int, str]) -> Overlay:
        row = found.row_of(field)
        counts = {shape: 0 for shape, _ in SHAPES}
        if row is None:
            return cls([], counts, {})
        labels = {}
        marks = []
        for mark in _label_marks(found, row, names):
            labels[mark["uuid"]] = mark
            if mark["state"] != comparing.NOT_JUDGED:
                marks.append(mark)
        marks.extend(_false_alarms(found, row, names))
        for mark in marks:
            counts[mark["shape"]] += 1
        return cls(marks, counts, labels)

    def number(self, uuid: str, number: int) -> None:
        if uuid in self.labels:
            self.labels[uuid]["number"] = number


def _label_marks(found: Found, row: int, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """What became of each label of a field."""
    part, seen = found.labels_of(row), found.detections[found.detections_of(row)]
    taking = seen[seen["counted"] & (seen["score"] >= found.about.threshold) & (seen["match"] >= 0)]
    by_label = {int(one["match"]): one for one in taking}
    marks = []
    for place, label in enumerate(found.labels[part], start=part.start):
        hit = by_label.get(place)
        said = "" if hit is None else _name(names, found.about.numbers[int(hit["output"])])
        state = _state(label, hit)
        truth = _name(names, int(label["number"]))
        taken = f", taken for {said}" if state == comparing.WRONG_CLASS else ""
        marks.append(
            _drawn(label["box"])
            | {
                "uuid": str(UUID(bytes=label["uuid"].tobytes())),
                "state": state,
                "shape": STATE_SHAPES.get(state, ""),
                "words": STATE_WORDS[state],
                "truth": truth,
                "said": said,
                "title": f"{truth}: {STATE_WORDS[state]}" + taken,
            }
        )
    return marks


def _state(label: Any, hit: Any) -> int:
    if label["output"] < 0:
        return comparing.NOT_JUDGED
    if hit is None:
        return comparing.MISSED
    return comparing.RIGHT if hit["output"] == label["output"] else comparing.WRONG_CLASS


def _false_alarms(found: Found, row: int, names: Mapping[int, str]) -> list[dict[str, Any]]:
    seen = found.detections[found.detections_of(row)]
    alarms = seen[seen["counted"] & (seen["score"] >= found.about.threshold) & (seen["match"] < 0)]
    marks = []
    for one in alarms:
        said = _name(names, found.about.numbers[int(one["output"])])
        title = f"false alarm: {said}, {float(one['score']):.2f}"
        marks.append(_drawn(one["box"]) | {"uuid": "", "shape": "alarm", "title": title})
    return marks


def _drawn(box: Any) -> dict[str, Any]:
    """Coordinates of the shapes that a mark may be drawn as."""
    x0, y0, x1, y1 = plain(box)
    cx, cy, rx, ry = round((x0 + x1) / 2, 1), round((y0 + y1) / 2, 1), round((x1 - x0) / 2, 1), round((y1 - y0) / 2, 1)
    return {
        "cx": cx,
        "cy": cy,
        "rx": rx,
        "ry": ry,
        "x": x0,
        "y": y0,
        "w": 2 * rx,
        "h": 2 * ry,
        "x1": x1,
        "y1": y1,
        "triangle": f"{cx},{y0} {x1},{y1} {x0},{y1}",
    }


def _name(names: Mapping[int, str], number: int) -> str:
    return names.get(number, f"class {number}")


def differing(views: Sequence[Overlay]) -> list[dict[str, Any]]:
    """The labels on which the two do not agree, from top to bottom."""
    first, second = (view.labels for view in views)
    lines = []
    for uuid in first.keys() & second.keys():
        a, b = first[uuid], second[uuid]
        if a["state"] != b["state"] and comparing.NOT_JUDGED not in (a["state"], b["state"]):
            at = (a["cy"], a["cx"])
            lines.append({"uuid": uuid, "truth": a["truth"], "a": _verdict(a), "b": _verdict(b), "at": at})
    return sorted(lines, key=lambda line: line["at"])


def _verdict(mark: Mapping[str, Any]) -> str:
    return f"{mark['words']}: {mark['said']}" if mark["state"] == comparing.WRONG_CLASS else str(mark["words"])
