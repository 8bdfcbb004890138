"""Rounds that start by themselves: when they do, when they do not, and never two at once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from annotation.actions.projects import keep_round_defaults, set_round_start
from annotation.errors import Refused
from annotation.models import Event, Project, Reading, Source
from learning.actions.rounds import start_round
from learning.actions.starting import projects_to_look_at, start_due_round, why_due
from learning.models import Round
from learning.settings import RoundSettings, to_row
from learning.states import RoundState
from learning.tasks import take_start
from tests.annotation.calling import call
from tests.cast import Cast
from tests.learning import rows

pytestmark = pytest.mark.django_db


def submitted(project: Project, number: int, source: str = Source.DRAWN) -> None:
    for _ in range(number):
        made = rows.reading(rows.field(project), {"seg": 1}, source=source)
        Reading.objects.filter(pk=made.pk).update(submitted_at=timezone.now())


def ended(round_: Round, state: str = RoundState.DONE) -> None:
    Round.objects.filter(pk=round_.pk).update(state=state)


def test_a_round_starts_after_enough_fields_with_the_defaults_and_says_why() -> None:
    project = rows.project()
    keep_round_defaults(project=project, defaults=to_row(RoundSettings(budget=7)), actor=None)
    set_round_start(project=project, after=3, at=None, actor=None)
    submitted(project, 2)
    assert start_due_round(project) is None
    submitted(project, 1)
    take_start()
    made = project.rounds.get()
    assert made.settings["budget"] == 7
    assert made.started_because == "by itself: 3 fields were newly submitted, 3 were asked for"
    assert made.runs.get().step == "train"
    assert Event.objects.filter(project=project, verb="round start set").exists()


def test_imported_labels_start_nothing() -> None:
    project = rows.project()
    set_round_start(project=project, after=1, at=None, actor=None)
    submitted(project, 5, Source.IMPORTED)
    assert start_due_round(project) is None


def test_never_two_at_once_and_a_failed_round_is_not_repeated() -> None:
    project = rows.project()
    set_round_start(project=project, after=1, at=None, actor=None)
    submitted(project, 1)
    first = start_due_round(project)
    assert first is not None
    submitted(project, 5)
    assert project not in projects_to_look_at()
    assert start_due_round(project) is None
    ended(first, RoundState.FAILED)
    Reading.objects.filter(field__project=project).update(submitted_at=first.created_at - timedelta(seconds=1))
    assert start_due_round(project) is None, "what the failed round had already is no reason to start again"
    submitted(project, 1)
    assert start_due_round(project) is not None


def test_one_that_a_person_started_counts_too() -> None:
    project = rows.project()
    set_round_start(project=project, after=2, at=None, actor=None)
    submitted(project, 2)
    by_hand = start_round(project=project, settings=RoundSettings(), actor=None)
    ended(by_hand)
    assert by_hand.started_because == ""
    assert start_due_round(project) is None


NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "last", "fields", "due"),
    [
        (time(11, 59), None, 1, True),
        (time(11, 59), None, 0, False),  # nothing new to learn
        (time(12, 1), None, 1, False),  # not yet
        (time(9, 0), None, 1, False),  # no worker ran then: tomorrow
        (time(11, 59), NOON - timedelta(seconds=30), 1, False),  # one began since
        (time(11, 59), NOON - timedelta(hours=5), 1, True),
    ],
)
def test_at_its_time_of_day(at: time, last: datetime | None, fields: int, due: bool) -> None:
    project = rows.project()
    set_round_start(project=project, after=None, at=at, actor=None)
    newest = None
    if last is not None:
        newest = rows.round_of(project, RoundState.DONE)
        Round.objects.filter(pk=newest.pk).update(created_at=last)
        newest.refresh_from_db()
    submitted(project, fields)
    Reading.objects.filter(field__project=project).update(submitted_at=NOON - timedelta(seconds=1))
    assert bool(why_due(project, newest, NOON)) is due


def test_a_time_just_before_midnight_is_not_lost() -> None:
    project = rows.project()
    set_round_start(project=project, after=None, at=time(23, 59), actor=None)
    submitted(project, 1)
    assert why_due(project, None, datetime(2026, 11, 28, 0, 1, tzinfo=UTC))


def test_defaults_that_cannot_be_start_nothing() -> None:
    project = rows.project()
    set_round_start(project=project, after=1, at=None, actor=None)
    Project.objects.filter(pk=project.pk).update(round_defaults={"teacher": "gone-from-the-zoo"})
    submitted(project, 1)
    assert start_due_round(project) is None
    assert not project.rounds.exists()


def test_who_may_set_it(cast: Cast) -> None:
    with pytest.raises(PermissionDenied):
        set_round_start(project=cast.project, after=1, at=None, actor=cast.ana)
    with pytest.raises(Refused, match="fewer than one"):
        set_round_start(project=cast.project, after=0, at=None, actor=cast.lea)


def test_the_page_and_the_api_set_the_same(cast: Cast) -> None:
    page = f"/projects/{cast.project.key}/settings/start/"
    assert cast.client("lea").post(page, {"after": "0", "at": ""}).status_code == 422
    assert cast.client("lea").post(page, {"after": "25", "at": "02:30"}).status_code == 302
    cast.project.refresh_from_db()
    assert (cast.project.start_after, cast.project.start_at) == (25, time(2, 30))
    assert "25" in cast.client("ana").get(page).content.decode()
    client, address = cast.client("lea"), f"projects/{cast.project.key}/rounds/start/"
    assert call(client, "get", address) == {"after": 25, "at": "02:30"}
    assert call(client, "put", address, {"after": None, "at": "04:00"}) == {"after": None, "at": "04:00"}
