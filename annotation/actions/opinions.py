"""Second opinions: a reader who cannot tell asks, a reviewer answers, the reader decides what becomes of the cell."""

from __future__ import annotations

from django.db import transaction

from annotation.access import Actor, Permission, require
from annotation.errors import Refused
from annotation.models import Cell, CellClass, Event, Opinion

MOST_LETTERS = 500


class OpinionError(Refused):
    """An opinion cannot be given; the text says why."""


@transaction.atomic
def give_opinion(
    *, cell: Cell, cell_class: CellClass, note: str = "", version: int | None = None, actor: Actor, client: str = ""
) -> Opinion:
    """Say, as a reviewer, what a cell is whose reader was unsure. The cell itself is not changed by it.

    `version` is the one that the reviewer saw; None: the present one. That the class is the unsure one again is an
    opinion too. Raises OpinionError where nobody asks, for a cell of one's own, or a class that cannot be said.
    """
    # The row, not its relations: of two answers at once both are kept, one after the other.
    held = (
        Cell.objects.select_for_update(of=("self",), no_key=True)
        .select_related("reading__field__project")
        .get(pk=cell.pk)
    )
    project = held.reading.field.project
    require(actor, project, Permission.REVIEW)
    asked = Cell.objects.asking().filter(pk=held.pk).exists()
    if not asked:
        raise OpinionError("Nobody asks about this cell any more: it has a class by now, or is gone.")
    if actor is not None and actor.pk in {held.author_id, held.reading.author_id}:
        raise OpinionError("This cell is your own: a second opinion is somebody else's.")
    if version is not None and version != held.version:
        raise OpinionError("This cell was changed meanwhile: look at it as it is now.")
    if cell_class.project_id != project.pk or cell_class.retired_at is not None:
        raise OpinionError("This class is not offered in this project: choose another one.")
    opinion = Opinion.objects.create(
        cell=held,
        cell_class=cell_class,
        version=held.version,
        note=note.strip()[:MOST_LETTERS],
        author_id=None if actor is None else actor.pk,
    )
    Event.objects.create(
        project_id=held.project_id,
        cell=held,
        reading_id=held.reading_id,
        actor_id=opinion.author_id,
        verb="opinion given",
        after={"class": cell_class.number, "key": cell_class.key, "note": opinion.note, "version": held.version},
        client=client,
    )
    return opinion
