"""Classes of a project: made by hand, changed, retired, restored. Numbers never change, nothing is deleted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from annotation.access import Actor, Permission, require
from annotation.actions.projects import ClassFinder, add_class
from annotation.errors import Refused
from annotation.models import CellClass, ClassKind, Event, Project, ReferenceCell
from annotation.ontology import ClassEntry, check_entry, check_together

WHERE = "the ontology"


@dataclass(frozen=True, slots=True)
class ClassChange:
    """What an administrator sets of a class; its number, key, place in the tree and kind stay."""

    name: str
    colour: str
    aliases: tuple[str, ...] = ()
    line: str = "solid"
    hotkey: str = ""
    guideline: str = ""
    counted: bool = True


@transaction.atomic
def make_class(
    *,
    project: Project,
    change: ClassChange,
    actor: Actor,
    parent: CellClass | None = None,
    kind: str = ClassKind.CELL,
    client: str = "",
) -> CellClass:
    """A new class below `parent`, with the next number. Raises Refused where its name means a class already."""
    require(actor, project, Permission.ADMINISTER)
    known = ClassFinder(project).find(change.name)
    if known is not None:
        raise Refused(f"{change.name!r} already means {known.name}: change that class, or choose another name.")
    made = add_class(project=project, name=change.name, actor=actor, client=client)
    made.parent = parent
    made.tier = 0 if parent is None else min(2, parent.tier + 1)
    made.lineage = parent.lineage if parent is not None else ""
    made.kind = kind
    made.save(update_fields=["parent", "tier", "lineage", "kind"])
    return change_class(cell_class=made, change=change, actor=actor, client=client)


@transaction.atomic
def change_class(*, cell_class: CellClass, change: ClassChange, actor: Actor, client: str = "") -> CellClass:
    """Keep what `change` says. Raises Refused where the ontology would not hold together."""
    project = _locked(cell_class, actor)
    before = _values(cell_class)
    for name, value in asdict(change).items():
        setattr(cell_class, name, list(value) if name == "aliases" else value)
    _check(project, cell_class)
    after = _values(cell_class)
    if after != before:
        cell_class.save(update_fields=list(after))
        _record(cell_class, actor, "class changed", before, after, client)
    return cell_class


@transaction.atomic
def retire_class(*, cell_class: CellClass, actor: Actor, client: str = "") -> bool:
    """Offer the class no more; cells that have it keep it. False: it was retired already.

    Raises Refused for a class with others below it, and for the last one that is offered.
    """
    project = _locked(cell_class, actor)
    below = cell_class.children.filter(retired_at=None).first()
    if below is not None:
        raise Refused(f"{cell_class.name} has classes below it, such as {below.name}: retire those first.")
    if not project.classes.filter(retired_at=None).exclude(pk=cell_class.pk).exists():
        raise Refused(f"{cell_class.name} is the last class that is offered: add another one first.")
    if not CellClass.objects.filter(pk=cell_class.pk, retired_at=None).update(retired_at=timezone.now()):
        return False
    _record(cell_class, actor, "class retired", None, None, client)
    return True


@transaction.atomic
def restore_class(*, cell_class: CellClass, actor: Actor, client: str = "") -> bool:
    """Offer a retired class again. False: it is not retired. Raises Refused where its hotkey is taken by now."""
    project = _locked(cell_class, actor)
    if cell_class.retired_at is None:
        return False
    cell_class.retired_at = None
    _check(project, cell_class)
    cell_class.save(update_fields=["retired_at"])
    _record(cell_class, actor, "class restored", None, None, client)
    return True


@transaction.atomic
def remove_reference(*, reference: ReferenceCell, actor: Actor, client: str = "") -> None:
    """The cell is no example of its class any more; the cell itself stays."""
    require(actor, reference.cell_class.project, Permission.REVIEW)
    before = {"cell": str(reference.cell.uuid), "note": reference.note}
    _record(reference.cell_class, actor, "reference removed", before, None, client)
    reference.delete()


def _locked(cell_class: CellClass, actor: Actor) -> Project:
    """Classes are checked against each other, so changes of one project come one after another."""
    require(actor, cell_class.project, Permission.ADMINISTER)
    project = Project.objects.select_for_update(no_key=True).get(pk=cell_class.project_id)
    cell_class.refresh_from_db()
    return project


def _check(project: Project, changed: CellClass) -> None:
    """The same rules as for a file. A retired class keeps its names, but its hotkey may be given to another."""
    rows = [changed if row.pk == changed.pk else row for row in project.classes.all()]
    keys = {row.pk: row.key for row in rows}
    entries = {row.pk: _entry(row, keys) for row in rows}
    check_entry(f"{WHERE}, class {changed.key}", entries[changed.pk])
    check_together(WHERE, tuple(entries.values()))


def _entry(row: CellClass, keys: dict[int, str]) -> ClassEntry:
    table: dict[str, Any] = {
        "key": row.key,
        "name": row.name,
        "colour": row.colour,
        "aliases": row.aliases,
        "parent": keys.get(row.parent_id, "") if row.parent_id else "",
        "line": row.line,
        "hotkey": "" if row.retired_at else row.hotkey,
    }
    try:
        return msgspec.convert(table, ClassEntry)
    except msgspec.ValidationError as error:
        raise Refused(f"{WHERE}, class {row.key}: {error}") from error


def _values(row: CellClass) -> dict[str, Any]:
    return {
        "name": row.name,
        "colour": row.colour,
        "aliases": list(row.aliases),
        "line": row.line,
        "hotkey": row.hotkey,
        "guideline": row.guideline,
        "counted": row.counted,
    }


def _record(row: CellClass, actor: Actor, verb: str, before: Any, after: Any, client: str) -> None:
    Event.objects.create(
        project_id=row.project_id,
        actor_id=None if actor is None else actor.pk,
        verb=verb,
        before=before,
        after={"number": row.number, "key": row.key} | (after or {}),
        client=client,
    )
