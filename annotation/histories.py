"""What became of a field and of each cell on it: its events, for who may see them, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from annotation.access import visible_readings
from annotation.models import CellClass, Event, Field

SHAPES = {"circle": "circle", "box": "box", "contour": "contour"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in words. `what` is what changed, as pairs of before and after; empty where nothing is to be told."""

    event: Event
    verb: str
    what: tuple[tuple[str, str, str], ...]


def events_of(field: Field, user: User, cell: UUID | None = None) -> QuerySet[Event]:
    """Events of the readings of `field` that `user` may see, newest first; of one cell alone where it is named.

    What others drew is as hidden here as it is on the field itself.
    """
    rows = Event.objects.filter(reading__in=visible_readings(user, field.project).filter(field=field))
    if cell is not None:
        rows = rows.filter(cell__uuid=cell)
    return rows.select_related("actor", "cell", "reading__author").order_by("-pk")


def told(event: Event, classes: Mapping[int, str]) -> Entry:
    """`classes`: the name of each class of the project by its number."""
    before, after = event.before or {}, event.after or {}
    return Entry(event, event.verb, tuple(_differences(before, after, classes)))


def names_of(field: Field) -> dict[int, str]:
    return dict(CellClass.objects.filter(project=field.project_id).values_list("number", "name"))


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], classes: Mapping[int, str]
) -> list[tuple[str, str, str]]:
    found = []
    for key in dict.fromkeys([*before, *after]):
        if key in {"version", "kind"} or before.get(key) == after.get(key):
            continue
        name, tell = _TOLD.get(key, (key.replace("_", " "), _plain))
        found.append((name, tell(before, key, classes), tell(after, key, classes)))
    return found


def _plain(values: Mapping[str, Any], key: str, _classes: Mapping[int, str]) -> str:
    value = values.get(key)
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    return str(value)


def _class(values: Mapping[str, Any], key: str, classes: Mapping[int, str]) -> str:
    number = values.get(key)
    return "" if number is None else classes.get(number, f"class {number}")


def _shape(values: Mapping[str, Any], key: str, _classes: Mapping[int, str]) -> str:
    points = values.get(key)
    if not points:
        return ""
    kind = SHAPES.get(str(values.get("kind")), "shape")
    if kind == "contour":
        return f"contour of {len(points) // 2} corners"
    return f"{kind} " + ", ".join(f"{value:g}" for value in (round(float(one), 1) for one in points))


_TOLD = {"class": ("class", _class), "points": ("shape", _shape)}
