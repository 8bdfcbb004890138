"""Readings: opened, submitted, revealed; and which of a field's readings is current."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Case, IntegerField, Value, When
from django.utils import timezone

from annotation.access import Actor, Permission, require
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


def choose_current(field: Field) -> Reading | None:
    """Set the current reading: adjudicated, else signed-off, else the latest submitted, people before imports."""
    best = field.readings.final().order_by(_RANK, "-submitted_at", "-id").first()
    Field.objects.filter(pk=field.pk).update(current_reading=best)
    field.current_reading = best
    return best


@transaction.atomic
def open_reading(*, field: Field, actor: Actor, source: str = Source.DRAWN, client: str = "") -> Reading:
    """The actor's open reading of `field`: the one that is open already, else a new one."""
    require(actor, field.project, Permission.LABEL)
    mine = field.readings.select_for_update().filter(state=ReadingState.OPEN, source=source, author_id=_id(actor))
    reading = mine.first()
    if reading is None:
        reading = Reading.objects.create(field=field, author_id=_id(actor), source=source)
        _record(reading, actor, "opened", client)
    return reading


@transaction.atomic
def submit_reading(*, reading: Reading, exhaustive: bool, actor: Actor, client: str = "") -> Reading:
    """Close an open reading with the statement whether every countable cell is labelled.

    Raises ReadingError when it is not open any more (someone else submitted it).
    """
    require(actor, reading.field.project, Permission.LABEL)
    moved = Reading.objects.filter(pk=reading.pk, state=ReadingState.OPEN).update(
        state=ReadingState.SUBMITTED, exhaustive=exhaustive, submitted_at=timezone.now()
    )
    if not moved:
        raise ReadingError("This reading is closed already: reload the page to see what it holds.")
    reading.refresh_from_db()
    _record(reading, actor, "submitted", client)
    choose_current(reading.field)
    return reading


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
    Cell.objects.bulk_create(
        Cell(
            project_id=field.project_id,
            reading=reading,
            cell_class_id=cell.cell_class_id,
            kind=cell.kind,
            points=cell.points,
            x0=cell.x0,
            y0=cell.y0,
            x1=cell.x1,
            y1=cell.y1,
            attributes=cell.attributes,
            provenance=Provenance.IMPORTED,
        )
        for cell in sealed.cells.alive()
    )
    _record(reading, actor, "revealed", client)
    choose_current(field)
    return reading


def _id(actor: Actor) -> int | None:
    return None if actor is None else actor.pk


def _record(reading: Reading, actor: Actor, verb: str, client: str) -> None:
    Event.objects.create(
        project_id=reading.field.project_id,
        reading=reading,
        actor_id=_id(actor),
        verb=verb,
        after={"state": reading.state, "exhaustive": reading.exhaustive},
        client=client,
    )
