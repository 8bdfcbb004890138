"""Projects and their classes: made, added to, and found by whatever name a file gives them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from annotation.access import Actor, Permission, require
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
    ontology: str | Path = "bone_marrow",
    um_per_px: float | None = None,
    key: str | None = None,
    weak_shape: str = WeakShape.CIRCLE,
    public: bool = False,
    actor: Actor = None,
    client: str = "",
) -> Project:
    """A project with the classes of `ontology` (a built-in name or a TOML file); the actor administers it.

    Raises Refused when the key is taken, the scale is not above zero, or the ontology is at fault.
    """
    key = slugify(key or name)[:60]
    if not key:
        raise Refused(f"No key can be made of the name {name!r}: use letters or digits of the Latin alphabet.")
    if um_per_px is not None and not 0 < um_per_px < 100:
        raise Refused(f"{um_per_px:g} µm per pixel cannot be: give the width of one pixel, for example 0.086.")
    classes = load(ontology)
    project = Project(
        key=key, name=name, ontology=classes.label, um_per_px=um_per_px, weak_shape=weak_shape, public=public
    )
    _check(project)
    try:
        with transaction.atomic():
            project.save()
            _add_classes(project, classes)
            if actor is not None:
                Membership.objects.create(project=project, user_id=actor.pk, role=Role.ADMINISTRATOR)
            Event.objects.create(
                project=project,
                actor_id=None if actor is None else actor.pk,
                verb="created",
                after={"key": key},
                client=client,
            )
    except IntegrityError as error:
        raise Refused(f"There is a project {key!r} already: choose another name.") from error
    return project


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
        )
    project.next_class_number = len(numbers) + 1
    project.save(update_fields=["next_class_number"])


@transaction.atomic
def add_class(*, project: Project, name: str, actor: Actor = None, client: str = "") -> CellClass:
    """A new class under `cell` (where the ontology has it), with the next number, which is never given again.

    A name that means a class already gives that class back.
    """
    require(actor, project, Permission.RUN)
    locked = Project.objects.select_for_update().get(pk=project.pk)
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
    Event.objects.create(
        project=project,
        actor_id=None if actor is None else actor.pk,
        verb="class added",
        after={"number": number, "key": made.key, "name": made.name},
        client=client,
    )
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
