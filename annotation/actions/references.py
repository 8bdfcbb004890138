"""Reference cells: a reviewer keeps a cell as an example of its class, to be shown beside the guideline."""

from __future__ import annotations

from django.db import transaction

from annotation.access import Actor, Permission, require
from annotation.errors import Refused
from annotation.models import Cell, Event, ReferenceCell

MOST_LETTERS = 200


@transaction.atomic
def choose_reference(*, cell: Cell, actor: Actor, note: str = "", client: str = "") -> ReferenceCell:
    """Keep `cell` as an example of the class it has now. A second call finds the first. Raises Refused for a cell that
    is deleted."""
    project = cell.reading.field.project
    require(actor, project, Permission.REVIEW)
    if cell.deleted_at is not None:
        raise Refused("This cell is deleted: choose one that is there.")
    reference, new = ReferenceCell.objects.get_or_create(
        cell_class=cell.cell_class,
        cell=cell,
        defaults={"note": note.strip()[:MOST_LETTERS], "author_id": None if actor is None else actor.pk},
    )
    if new:
        Event.objects.create(
            project_id=cell.project_id,
            cell=cell,
            reading_id=cell.reading_id,
            actor_id=None if actor is None else actor.pk,
            verb="reference chosen",
            after={"number": cell.cell_class.number, "key": cell.cell_class.key, "note": reference.note},
            client=client,
        )
    return reference
