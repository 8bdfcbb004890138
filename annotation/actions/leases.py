"""Who is at work on a field: a lease that an open page renews, that runs out by itself, and that can be taken over.

A lease keeps others from being offered the field. It guards no row: readings stand side by side, and what somebody
drew while another holds the field is saved like everything else.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from annotation.access import Actor, Permission, require
from annotation.errors import Refused
from annotation.models import Event, Reading, ReadingState

# A page says every twenty seconds that it is open, so a tab that dies frees its field within a minute.
LEASE = timedelta(seconds=60)
# Of a lease that was renewed so lately the next save need not write again.
FRESH = timedelta(seconds=15)


class LeaseError(Refused):
    """The reading cannot hold its field; the text says why."""


class HeldError(LeaseError):
    """Somebody else is at work on the field. `holder` is that person's reading."""

    def __init__(self, holder: Reading) -> None:
        who = holder.author.get_username() if holder.author else "Somebody"
        super().__init__(
            f"{who} is at work on this field. Take another one, or take this one over: nothing of theirs is lost."
        )
        self.holder = holder


def holder_of(field: int, actor: Actor) -> Reading | None:
    """The reading of somebody else who is at work on the field with this number."""
    others = Reading.objects.at_work().filter(field=field, author__isnull=False)
    return others.exclude(author=actor).select_related("author").order_by("pk").first()


def take_lease(reading: Reading, actor: Actor, *, steal: bool, client: str) -> None:
    """Hold the field of an open `reading`; the caller has locked the field.

    Raises HeldError where somebody else does and `steal` is not said. What is stolen is on record in both readings.
    """
    holder = holder_of(reading.field_id, actor)
    if holder is not None:
        if not steal:
            raise HeldError(holder)
        Reading.objects.filter(pk=holder.pk).update(lease_until=None)
        for one in (holder, reading):
            Event.objects.create(
                project_id=reading.field.project_id,
                reading=one,
                actor=actor,
                verb="field taken over",
                after={"from_reading": holder.pk, "by_reading": reading.pk},
                client=client,
            )
    keep_lease(reading)


def renew_reading_lease(*, reading: Reading, actor: Actor) -> Reading:
    """The page is still open: the queue offers the field to nobody else for a while. Raises LeaseError."""
    require(actor, reading.field.project, Permission.LABEL)
    if reading.author_id != (None if actor is None else actor.pk):
        raise LeaseError("Only its author holds a reading: open one of your own.")
    if not keep_lease(reading):
        raise LeaseError(_why_not(reading, actor))
    reading.refresh_from_db(fields=["lease_until"])
    return reading


def keep_lease(reading: Reading) -> bool:
    """False: the reading is not open, or somebody else holds its field by now."""
    others = Reading.objects.at_work().filter(field=OuterRef("field"), author__isnull=False)
    open_one = Reading.objects.filter(pk=reading.pk, state=ReadingState.OPEN)
    free = open_one.filter(~Exists(others.exclude(author=reading.author_id)))
    return bool(free.update(lease_until=Now() + LEASE))


def refresh_lease(reading: Reading) -> None:
    """As `keep_lease`, for whoever comes often: nothing is written while the lease is FRESH."""
    if reading.lease_until is None or reading.lease_until < timezone.now() + LEASE - FRESH:
        keep_lease(reading)


def _why_not(reading: Reading, actor: Actor) -> str:
    holder = holder_of(reading.field_id, actor)
    if holder is None:
        return "This reading is closed: open a new one to change cells."
    who = holder.author.get_username() if holder.author else "Somebody"
    return f"{who} has taken this field over. What you draw is still saved in your own reading: speak with each other."
