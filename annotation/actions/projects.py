"""Projects and their classes: made, added to, and found by whatever name a file gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import time
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from annotation.access import Actor, Permission, require, require_create_projects
from annotation.errors import Refused
from annotation.labels import normal, slug
from annotation.models import CellClass, Event, Membership, Project, Role, WeakShape
from annotation.ontology import Ontology, load

# Okabe and Ito's colours for people of every colour vision, then Tol's muted ones; pink and purple are left out.
_COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#F0E442"),
    *("#332288", "#117733", "#999933", "#44AA99", "#88CCEE", "#DDCC77", "#661100"),
)


def create_project(
    *,
    name: str,
    ontology: str | Path | Ontology = "bone_marrow",
    um_per_px: float | None = None,
    key: str | None = None,
    weak_shape: str = WeakShape.CIRCLE,
    public: bool = False,
    actor: Actor = None,
    client: str = "",
) -> Project:
    """A project with the classes of `ontology` (a built-in one's name, a file, or one read before); the actor runs it.

    Raises Refused when the key is taken, the scale is not above zero, or the ontology is at fault.
    """
    require_create_projects(actor)
    key = slugify(key or name)[:60]
    if not key:
        raise Refused(f"No key can be made of the name {name!r}: use letters or digits of the Latin alphabet.")
    if key == "new":  # the address of the page that makes a project
        raise Refused("A project cannot have the key 'new': choose another name.")
    _check_scale(um_per_px)
    classes = ontology if isinstance(ontology, Ontology) else load(ontology)
    project = Project(
        key=key, name=name, ontology=classes.label[:200], um_per_px=um_per_px, weak_shape=weak_shape, public=public
    )
    _check(project)
    try:
        with transaction.atomic():
            project.save()
            _add_classes(project, classes)
            if actor is not None:
                Membership.objects.create(project=project, user_id=actor.pk, role=Role.ADMINISTRATOR)
            _record(project, actor, "created", None, {"key": key}, client)
    except IntegrityError as error:
        raise Refused(f"There is a project {key!r} already: choose another name.") from error
    return project


def _check_scale(um_per_px: float | None) -> None:
    if um_per_px is not None and not 0 < um_per_px < 100:
        raise Refused(f"{um_per_px:g} µm per pixel cannot be: give the width of one pixel, for example 0.086.")


@dataclass(frozen=True, slots=True)
class ProjectChange:
    """What an administrator sets of a project; its key and its fields' splits stay."""

    name: str
    um_per_px: float | None
    weak_shape: str
    cell_px: float
    shrink: float
    min_labelled: int
    blind_share: float
    public: bool


def change_project(*, project: Project, change: ProjectChange, actor: Actor, client: str = "") -> Project:
    """Keep the settings of `change`, and what was before as an event.

    Raises Refused where one cannot be. A round that is at work goes on with what it began with.
    """
    require(actor, project, Permission.ADMINISTER)
    _check_scale(change.um_per_px)
    if not 10 <= change.cell_px <= 200:
        raise Refused(f"{change.cell_px:g} pixels across a cell cannot be worked with: choose 10 to 200, 40 as a rule.")
    if not 0.5 <= change.shrink <= 1:
        raise Refused(f"A shrink factor of {change.shrink:g} cannot be: choose 0.5 to 1, 0.9 as a rule.")
    if not 0 <= change.blind_share <= 1:
        raise Refused(f"{change.blind_share:g} is no share of the fields: choose 0 (none) to 1 (all), 0.1 as a rule.")
    with transaction.atomic():
        locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        before = {field.name: getattr(locked, field.name) for field in fields(change)}
        after = asdict(change)
        changed = {name for name in after if after[name] != before[name]}
        for name in changed:
            setattr(locked, name, after[name])
        _check(locked)
        if changed:
            locked.save(update_fields=sorted(changed))
            _record(locked, actor, "settings changed", _only(before, changed), _only(after, changed), client)
    return locked


def keep_round_defaults(*, project: Project, defaults: dict[str, Any], actor: Actor, client: str = "") -> None:
    """What a new round starts from. Whoever calls has checked that they are settings of a round."""
    require(actor, project, Permission.RUN)
    with transaction.atomic():
        before = Project.objects.select_for_update(no_key=True).get(pk=project.pk).round_defaults
        Project.objects.filter(pk=project.pk).update(round_defaults=defaults)
        _record(project, actor, "round defaults set", before, defaults, client)


def set_round_start(*, project: Project, after: int | None, at: time | None, actor: Actor, client: str = "") -> None:
    """When a round is to start by itself: after so many newly submitted fields, at a time of day (UTC), or never."""
    require(actor, project, Permission.RUN)
    if after is not None and after < 1:
        raise Refused("A round cannot start after fewer than one field: leave it empty for never.")
    with transaction.atomic():
        before = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        Project.objects.filter(pk=project.pk).update(start_after=after, start_at=at)
        old = {"after": before.start_after, "at": str(before.start_at or "")}
        _record(project, actor, "round start set", old, {"after": after, "at": str(at or "")}, client)
    project.refresh_from_db()


def _only(values: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}


def _record(project: Project, actor: Actor, verb: str, before: Any, after: Any, client: str) -> None:
    Event.objects.create(
        project=project,
        actor_id=None if actor is None else actor.pk,
        verb=verb,
        before=before,
        after=after,
        client=client,
    )


def _check(project: Project) -> None:
    try:
        project.full_clean(validate_unique=False)
    except ValidationError as error:
        raise Refused("; ".join(error.messages)) from error


def _add_classes(project: Project, ontology: Ontology) -> None:
    numbers = {entry.key: number for number, entry in enumerate(ontology.classes, start=1)}
    made = dict[str, CellClass]()
    for entry in ontology.parents_first():
        made[entry.key] = CellClass.objects.create(
            project=project,
            number=numbers[entry.key],
            key=entry.key,
            name=entry.name,
            aliases=list(entry.aliases),
            parent=made.get(entry.parent),
            tier=entry.tier,
            lineage=entry.lineage,
            colour=entry.colour,
            line=entry.line,
            hotkey=entry.hotkey,
            ontology_id=entry.ontology_id,
            counted=entry.counted,
            kind=entry.kind,
            guideline=entry.guideline,
        )
    project.next_class_number = len(numbers) + 1
    project.save(update_fields=["next_class_number"])


@transaction.atomic
def add_class(*, project: Project, name: str, actor: Actor = None, client: str = "") -> CellClass:
    """A new class under `cell` (where the ontology has it), with the next number, which is never given again.

    A name that means a class already gives that class back.
    """
    require(actor, project, Permission.RUN)
    locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    known = ClassFinder(locked).find(name)
    if known is not None:
        return known
    number = locked.next_class_number
    locked.next_class_number = number + 1
    locked.save(update_fields=["next_class_number"])
    parent = locked.classes.filter(key="cell").first()
    made = CellClass.objects.create(
        project=project,
        number=number,
        key=_free_key(locked, name),
        name=name.strip()[:120],
        parent=parent,
        tier=1 if parent else 0,
        colour=_COLOURS[number % len(_COLOURS)],
    )
    _record(project, actor, "class added", None, {"number": number, "key": made.key, "name": made.name}, client)
    return made


def _free_key(project: Project, name: str) -> str:
    taken = set(project.classes.values_list("key", flat=True))
    stem, key, extra = slug(name, limit=54), slug(name, limit=54), 2
    while key in taken:
        key, extra = f"{stem}_{extra}", extra + 1
    return key


class ClassFinder:
    """Finds the class that a label of a file means: by class map, else by key, name or alias.

    Case, spaces, underscores and hyphens do not count. In the class map the label is on the left and the class on the
    right; an empty right side refuses the label.
    """

    def __init__(self, project: Project, class_map: Mapping[str, str] | None = None) -> None:
        self._classes = dict[str, CellClass]()
        classes = list(project.classes.all())
        for labels in ([c.key for c in classes], [c.name for c in classes]):
            for label, cell_class in zip(labels, classes, strict=True):
                self._classes.setdefault(normal(label), cell_class)
        for cell_class in classes:
            self.learn(cell_class)
        self._map = {normal(label): self._target(label, key) for label, key in (class_map or {}).items()}

    def learn(self, cell_class: CellClass) -> None:
        """Also find this class from now on."""
        for label in (cell_class.key, cell_class.name, *cell_class.aliases):
            self._classes.setdefault(normal(label), cell_class)

    def find(self, label: str) -> CellClass | None:
        wanted = normal(label)
        return self._map[wanted] if wanted in self._map else self._classes.get(wanted)

    def refuses(self, label: str) -> bool:
        """The class map says that objects of this label are not to be taken."""
        return self._map.get(normal(label), True) is None

    def _target(self, label: str, key: str) -> CellClass | None:
        if not key:
            return None
        found = self._classes.get(normal(key))
        if found is None:
            known = ", ".join(sorted({entry.key for entry in self._classes.values()}))
            raise Refused(f"The class map sends {label!r} to {key!r}, which is no class here. There are: {known}.")
        return found
