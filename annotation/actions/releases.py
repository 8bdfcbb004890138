"""Releases: named snapshots with notes, compared by what they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.access import Actor
from annotation.actions.exports import freeze_for_export
from annotation.errors import Refused
from annotation.models import Project, Snapshot, Split


def make_release(
    *,
    project: Project,
    name: str,
    notes: str = "",
    split: str = "",
    signed_off: bool = False,
    actor: Actor = None,
    tick: Callable[[], None] | None = None,
) -> Snapshot:
    """Freeze the labels of today under a name. Raises Refused when the name is taken or nothing is labelled."""
    if releases_of(project).filter(name=name).exists():
        raise Refused(f"There is a release {name!r} already: choose another name.")
    return freeze_for_export(
        project=project, split=split, signed_off=signed_off, name=name, notes=notes, actor=actor, tick=tick
    )


def releases_of(project: Project) -> QuerySet[Snapshot]:
    """All of a project, the newest first."""
    return Snapshot.objects.filter(project=project).exclude(name="").select_related("author").order_by("-id")


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of a comparison: what is counted, and how much of it the one and the other release have."""

    what: str
    first: int
    second: int

    @property
    def difference(self) -> int:
        return self.second - self.first


def compare_releases(first: Snapshot, second: Snapshot) -> list[tuple[str, list[Compared]]]:
    """Lines under their headings: fields by split, cells by class and by shape. Classes by their names of today."""
    names = {str(number): name for number, name in first.project.classes.values_list("number", "name")}
    totals = [Compared(word.capitalize(), _of(first, word), _of(second, word)) for word in ("fields", "cells")]
    splits = [
        Compared(str(split.label), _of(first, f"fields_{split}"), _of(second, f"fields_{split}")) for split in Split
    ]
    return [
        ("In all", totals),
        ("Fields by split", splits),
        ("Cells by class", _side_by_side(first, second, "classes", names)),
        ("Cells by shape", _side_by_side(first, second, "shapes", {})),
    ]


def _of(snapshot: Snapshot, key: str) -> int:
    return int(snapshot.counts.get(key, 0))


def _side_by_side(first: Snapshot, second: Snapshot, key: str, names: dict[str, str]) -> list[Compared]:
    one, other = first.counts.get(key, {}), second.counts.get(key, {})
    lines = [Compared(names.get(entry, entry), one.get(entry, 0), other.get(entry, 0)) for entry in {**one, **other}]
    return sorted(lines, key=lambda line: (-max(line.first, line.second), line.what))
