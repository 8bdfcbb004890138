"""Readings: opened, submitted, opened again, revealed; and which of a field's readings is current."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Case, IntegerField, Value, When
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from annotation.access import Actor, Permission, begins_blind, may, require, role_of
from annotation.actions.leases import take_lease
from annotation.errors import Refused
from annotation.models import Cell, Event, Field, Provenance, Reading, ReadingState, Source


class ReadingError(Refused):
    """A reading cannot do what was asked; the text says why."""


# What people say outranks what files say: an import after an expert's reading must not cover it.
_RANK = Case(
    When(source=Source.ADJUDICATED, then=Value(0)),
    When(state=ReadingState.SIGNED_OFF, then=Value(1)),
    When(source__in=[Source.DRAWN, Source.SIMULATED], then=Value(2)),
    default=Value(3),
    output_field=IntegerField(),
)


@transaction.atomic
def choose_current(field: Field) -> Reading | None:
    """Set the current reading: adjudicated, else signed-off, else the latest submitted, people before imports."""
    _locked(field.pk)  # of two that submit at once, the second sees what the first did
    best = field.readings.final().order_by(_RANK, "-submitted_at", "-id").first()
    Field.objects.filter(pk=field.pk).update(current_reading=best)
    field.current_reading = best
    return best


@transaction.atomic
def open_reading(
    *,
    field: Field,
    actor: Actor,
    source: str = Source.DRAWN,
    from_current: bool = False,
    steal: bool = False,
    client: str = "",
) -> Reading:
    """The actor's open reading of `field`: the one that is open already, else a new one.

    `from_current`: one that holds no cell yet begins with copies of the cells of the field's current reading. Cells
    that are there already are never covered. Raises HeldError where somebody else is at work on the field, unless
    `steal` says that it is to be taken over.
    """
    require(actor, field.project, Permission.LABEL)
    mine = field.readings.filter(state=ReadingState.OPEN, source=source, author_id=_id(actor))
    list(mine.select_for_update(no_key=True))  # before the field: somebody may be submitting it
    locked = _locked(field.pk)  # of two tabs, the second finds the first's
    reading = mine.first()
    if reading is None:
        blind = source == Source.DRAWN and begins_blind(actor, locked)
        reading = Reading.objects.create(field=field, author_id=_id(actor), source=source, blind=blind)
        _record(reading, actor, "opened", client, **({"blind": True} if blind else {}))
    if from_current and locked.current_reading is not None and not reading.cells.exists():
        count = _copy_cells(locked.current_reading.cells.alive(), reading)
        _record(reading, actor, "copied", client, copied_from=locked.current_reading_id, cells=count)
    take_lease(reading, actor, steal=steal, client=client)
    return reading


@transaction.atomic
def submit_reading(*, reading: Reading, exhaustive: bool, actor: Actor, client: str = "") -> Reading:
    """Close an open reading with the statement whether every countable cell is labelled. From then on its author sees
    the predictions of a field that was read without them.

    Raises ReadingError when it is not open any more, or somebody else's.
    """
    require(actor, reading.field.project, Permission.LABEL)
    if not is_author(reading, actor):
        raise ReadingError("Only its author submits a reading: open one of your own.")
    moved = Reading.objects.filter(pk=reading.pk, state=ReadingState.OPEN).update(
        state=ReadingState.SUBMITTED,
        exhaustive=exhaustive,
        submitted_at=timezone.now(),
        lease_until=None,
        unblinded_at=Coalesce("unblinded_at", Now()),
    )
    if not moved:
        raise ReadingError("This reading is closed already: reload the page to see what it holds.")
    reading.refresh_from_db()
    _record(reading, actor, "submitted", client)
    choose_current(reading.field)
    return reading


@transaction.atomic
def reopen_reading(*, reading: Reading, reason: str, actor: Actor, client: str = "") -> Reading:
    """Open a submitted reading for its author again; who did it in which role, and why, stays on record.

    The author may, and a reviewer. Until it is submitted again another reading of the field is current, or none.
    Raises ReadingError where it cannot be.
    """
    project = reading.field.project
    require(actor, project, Permission.LABEL)
    reading = Reading.objects.select_for_update(of=("self",), no_key=True).select_related("field").get(pk=reading.pk)
    _locked(reading.field_id)
    if not is_author(reading, actor) and not may(actor, project, Permission.REVIEW):
        raise ReadingError("Only its author or a reviewer opens a reading again.")
    reason = reason.strip()[:500]
    if not reason:
        raise ReadingError("Say why the reading is opened again: the reason stays with it.")
    _check_reopen(reading)
    reading.state, reading.submitted_at = ReadingState.OPEN, None
    reading.save(update_fields=["state", "submitted_at"])
    role = role_of(actor, project)
    _record(reading, actor, "reopened", client, role=None if role is None else role.value, reason=reason)
    choose_current(reading.field)
    return reading


def _check_reopen(reading: Reading) -> None:
    if reading.state == ReadingState.OPEN:
        raise ReadingError("This reading is open already.")
    if reading.state == ReadingState.SIGNED_OFF:
        raise ReadingError("This reading is signed off: a reviewer must take the sign-off back first.")
    if reading.author_id is None or reading.source not in {Source.DRAWN, Source.ADJUDICATED}:
        raise ReadingError("Nobody drew this reading: open one of your own with a copy of its cells.")
    mine = reading.field.readings.filter(state=ReadingState.OPEN, source=reading.source, author_id=reading.author_id)
    if mine.exists():
        raise ReadingError("Its author has another reading of this field open: that one must be submitted first.")


def is_author(reading: Reading, actor: Actor) -> bool:
    """Whether `actor` writes to this reading. The operator writes to those of nobody."""
    return reading.author_id == _id(actor)


@transaction.atomic
def reveal_oracle(*, field: Field, actor: Actor = None, client: str = "") -> Reading | None:
    """Let a simulated annotator label `field`: its sealed labels are copied into a submitted reading.

    The sealed reading stays as it is. Returns None where the field has no oracle labels.
    """
    require(actor, field.project, Permission.RUN)
    sealed = field.readings.filter(source=Source.ORACLE, state=ReadingState.SEALED).order_by("-id").first()
    if sealed is None:
        return None
    reading = Reading.objects.create(
        field=field,
        author_id=_id(actor),
        source=Source.SIMULATED,
        state=ReadingState.SUBMITTED,
        exhaustive=sealed.exhaustive,
        submitted_at=timezone.now(),
    )
    _copy_cells(sealed.cells.alive(), reading, provenance=Provenance.IMPORTED, author=None, prediction=None)
    _record(reading, actor, "revealed", client)
    choose_current(field)
    return reading


def _locked(field: int) -> Field:
    """Locks are taken in this order: reading, field."""
    return Field.objects.select_for_update(of=("self",), no_key=True).get(pk=field)


def _copy_cells(cells: Iterable[Cell], reading: Reading, **values: Any) -> int:
    """Each cell once more, under a uuid of its own; who drew it and from what is kept but for what `values` say."""
    kept = ("cell_class_id", "kind", "points", "x0", "y0", "x1", "y1", "attributes", "locked")
    origin = {"provenance": "provenance", "author": "author_id", "prediction": "prediction_id"}
    columns = {*kept, *(column for name, column in origin.items() if name not in values)}
    copies = [
        Cell(
            project_id=reading.field.project_id,
            reading=reading,
            **{column: getattr(cell, column) for column in columns},
            **values,
        )
        for cell in cells
    ]
    return len(Cell.objects.bulk_create(copies, batch_size=1000))


def _id(actor: Actor) -> int | None:
    return None if actor is None else actor.pk


def _record(reading: Reading, actor: Actor, verb: str, client: str, **more: Any) -> None:
    Event.objects.create(
        project_id=reading.field.project_id,
        reading=reading,
        actor_id=_id(actor),
        verb=verb,
        after={"state": reading.state, "exhaustive": reading.exhaustive, **more},
        client=client,
    )
