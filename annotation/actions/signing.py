"""Signing off: a reviewer vouches for the current reading of a field, or of all fields of a case; and takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from annotation.access import Actor, Permission, require
from annotation.actions.readings import choose_current
from annotation.errors import Refused
from annotation.models import Case, Event, Field, Reading, ReadingState


@dataclass(frozen=True, slots=True)
class Signed:
    """How many readings were signed off, and how many were left because they came after the reviewer looked."""

    signed: int
    newer: int


@transaction.atomic
def sign_off_reading(*, reading: Reading, actor: Actor, client: str = "") -> Reading:
    """Vouch for a submitted reading that is its field's current one.

    Raises Refused where it is not, so that nobody signs what no longer counts.
    """
    require(actor, reading.field.project, Permission.REVIEW)
    if not _sign(Reading.objects.filter(pk=reading.pk), actor, client):
        raise Refused("This reading waits for no sign-off any more: reload the page to see what stands now.")
    reading.refresh_from_db()
    choose_current(reading.field)
    return reading


@transaction.atomic
def sign_off_case(*, case: Case, until: datetime, actor: Actor, client: str = "") -> Signed:
    """Vouch for the current readings of all labelled fields of `case` that were submitted by `until`.

    `until` is when the reviewer's page was made: what was submitted since was not looked at. Raises Refused where
    nothing is left to sign off.
    """
    require(actor, case.project, Permission.REVIEW)
    seen = Q(submitted_at__isnull=True) | Q(submitted_at__lte=until)
    waiting = Reading.objects.filter(field__case=case)
    signed = _sign(waiting.filter(seen), actor, client)
    newer = _to_sign(waiting).count()
    if not signed and newer:
        raise Refused("All that waits was submitted after you opened the page: look at it, then sign off.")
    if not signed:
        raise Refused(f"No labelled field of {case.code} waits for a sign-off.")
    return Signed(signed, newer)


@transaction.atomic
def take_back_sign_off(*, reading: Reading, reason: str, actor: Actor, client: str = "") -> Reading:
    """Withdraw a sign-off, with a reason that stays on record. The reading counts on as a submitted one."""
    require(actor, reading.field.project, Permission.REVIEW)
    reason = reason.strip()
    if not reason:
        raise Refused("Say why the sign-off is taken back: the reason stays with the reading.")
    moved = Reading.objects.filter(pk=reading.pk, state=ReadingState.SIGNED_OFF).update(
        state=ReadingState.SUBMITTED, signed_off_at=None, signed_off_by=None
    )
    if not moved:
        raise Refused("This reading is not signed off any more: reload the page to see what stands now.")
    _record([reading], actor, "sign-off taken back", client, reason=reason[:500])
    reading.refresh_from_db()
    choose_current(reading.field)
    return reading


def _to_sign(readings: QuerySet[Reading]) -> QuerySet[Reading]:
    return readings.filter(state=ReadingState.SUBMITTED, field__current_reading=F("pk"))


def _sign(readings: QuerySet[Reading], actor: Actor, client: str) -> int:
    """Sign off those of `readings` that wait for it. A current reading that is signed off stays the current one.

    The fields are locked as well, so that none gets another current reading between the look and the signature.
    """
    held = list(_to_sign(readings).order_by("pk").select_for_update(of=("self",), no_key=True))
    fields = Field.objects.filter(pk__in=[row.field_id for row in held]).order_by("pk")
    list(fields.select_for_update(no_key=True))
    chosen = list(_to_sign(Reading.objects.filter(pk__in=[row.pk for row in held])).select_related("field"))
    Reading.objects.filter(pk__in=[row.pk for row in chosen]).update(
        state=ReadingState.SIGNED_OFF,
        signed_off_at=timezone.now(),
        signed_off_by_id=None if actor is None else actor.pk,
    )
    _record(chosen, actor, "signed off", client)
    return len(chosen)


def _record(readings: list[Reading], actor: Actor, verb: str, client: str, **more: str) -> None:
    Event.objects.bulk_create(
        Event(
            project_id=reading.field.project_id,
            reading=reading,
            actor_id=None if actor is None else actor.pk,
            verb=verb,
            after=more or None,
            client=client,
        )
        for reading in readings
    )
