"""Rounds that start by themselves: after enough newly submitted fields, or at a time of day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotation.errors import Refused
from annotation.models import Field, Project, Source
from learning.actions.rounds import start_round
from learning.forms.rounds import settings_of
from learning.models import Round
from learning.states import WORKING

# Where no worker ran at the time of day, a round may still start for so long; later it waits for the next day.
LATE = timedelta(hours=2)


def projects_to_look_at() -> list[Project]:
    """Those in which a round may start by itself, and none is at work."""
    asked = Project.objects.filter(Q(start_after__isnull=False) | Q(start_at__isnull=False))
    return list(asked.exclude(rounds__state__in=WORKING).order_by("pk"))


def start_due_round(project: Project) -> Round | None:
    """Start a round with the project's defaults where one is due, and write down why. None: it is not due.

    Of two workers that see it at once the second finds the first's. A round that failed is no reason to start another
    one: fields count that were submitted since the newest round began, however that ended.
    """
    with transaction.atomic():
        locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        last = locked.rounds.order_by("number").last()
        if last is not None and last.state in WORKING:
            return None
        because = why_due(locked, last, timezone.now())
        if not because:
            return None
        try:
            round_ = start_round(project=locked, settings=settings_of(locked.round_defaults), actor=None)
        except Refused:  # a network of the defaults is not there any more: the page of the settings says so
            return None
        Round.objects.filter(pk=round_.pk).update(started_because=because)
        round_.started_because = because
        return round_


def why_due(project: Project, last: Round | None, now: datetime) -> str:
    """The reason, in a sentence for people; empty where no round is due."""
    submitted = count_submitted(project, last)
    if project.start_after and submitted >= project.start_after:
        return f"by itself: {submitted} fields were newly submitted, {project.start_after} were asked for"
    if project.start_at and submitted:
        today = datetime.combine(now.astimezone(UTC).date(), project.start_at, UTC)
        moment = today if today <= now else today - timedelta(days=1)
        if now - moment < LATE and (last is None or last.created_at < moment):
            return f"by itself: it was {project.start_at:%H:%M} UTC, and {submitted} fields were newly submitted"
    return ""


def count_submitted(project: Project, last: Round | None) -> int:
    """Fields whose current reading was submitted by people since the newest round began."""
    fields = Field.objects.filter(project=project, current_reading__submitted_at__isnull=False)
    fields = fields.exclude(current_reading__source=Source.IMPORTED)
    return (fields if last is None else fields.filter(current_reading__submitted_at__gt=last.created_at)).count()
