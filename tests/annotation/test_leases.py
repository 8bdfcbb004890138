"""Who is at work on a field: held for a minute, renewed by an open page, taken over only by saying so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from annotation.actions.leases import LEASE, HeldError, LeaseError, holder_of, renew_reading_lease
from annotation.actions.readings import open_reading
from annotation.models import Cell, Event, Field, Reading
from tests.annotation.calling import call, cell, opened, save
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def field(cast: Cast) -> Field:
    return rows.field(cast.project)


def by(field: Field, who: User, *, steal: bool = False) -> Reading:
    return open_reading(field=field, actor=who, steal=steal)


def forget(reading: Reading) -> None:
    """Its tab has died a minute ago."""
    Reading.objects.filter(pk=reading.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_field_is_free_a_minute_after_its_tab_has_died(cast: Cast, field: Field) -> None:
    assert timedelta(seconds=30) <= LEASE <= timedelta(seconds=60)
    mine = by(field, cast.ana)
    mine.refresh_from_db()
    assert mine.lease_until is not None
    assert timezone.now() < mine.lease_until <= timezone.now() + LEASE
    assert holder_of(field.pk, cast.rui) == mine
    assert holder_of(field.pk, cast.ana) is None, "nobody stands in one's own way"
    forget(mine)
    assert holder_of(field.pk, cast.rui) is None
    assert by(field, cast.rui).author == cast.rui


def test_who_comes_second_is_told_and_leaves_no_trace(cast: Cast, field: Field) -> None:
    by(field, cast.ana)
    with pytest.raises(HeldError, match="ana is at work on this field"):
        by(field, cast.rui)
    assert not Reading.objects.filter(author=cast.rui).exists()
    assert not Event.objects.filter(actor=cast.rui).exists()


def test_what_is_taken_over_is_on_record_in_both_readings_and_nothing_is_lost(cast: Cast, field: Field) -> None:
    ana, rui = cast.client("ana"), cast.client("rui")
    hers = opened(ana, field)
    number = field.project.classes.get(key="seg").number
    save(ana, hers, cell(number))
    path = f"projects/{field.project.key}/fields/{field.code}/"
    answer = call(rui, "post", f"{path}readings/", {}, status=409)
    assert answer["holder"]["name"] == "ana"
    assert call(rui, "get", f"{path}workbench/")["holder"]["name"] == "ana"
    his = call(rui, "post", f"{path}readings/", {"steal": True})["reading"]["id"]
    taken = Event.objects.filter(verb="field taken over")
    assert {event.reading_id for event in taken} == {hers, his}
    assert {event.actor for event in taken} == {cast.rui}
    # Her page hears of it, and what she draws is kept all the same, without taking the field back.
    refusal = call(ana, "post", f"readings/{hers}/heartbeat/", status=422)
    assert "rui has taken this field over" in refusal["message"]
    assert save(ana, hers, cell(number))[0]["status"] == "saved"
    assert Cell.objects.filter(reading=hers).count() == 2
    assert holder_of(field.pk, cast.ana) == Reading.objects.get(pk=his)


def test_a_lapsed_reading_is_found_again_once_the_field_is_free(cast: Cast, field: Field) -> None:
    hers = by(field, cast.ana)
    forget(hers)
    his = by(field, cast.rui)
    with pytest.raises(HeldError):
        by(field, cast.ana)
    with pytest.raises(LeaseError, match="rui has taken"):
        renew_reading_lease(reading=hers, actor=cast.ana)
    forget(his)
    assert by(field, cast.ana) == hers


def test_only_its_author_renews_and_only_while_it_is_open(cast: Cast, field: Field) -> None:
    hers = by(field, cast.ana)
    with pytest.raises(LeaseError, match="Only its author"):
        renew_reading_lease(reading=hers, actor=cast.rui)
    Reading.objects.filter(pk=hers.pk).update(state="submitted")
    with pytest.raises(LeaseError, match="closed"):
        renew_reading_lease(reading=hers, actor=cast.ana)
