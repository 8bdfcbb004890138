"""Readings by the API: opened once, copied on request, blind, submitted, opened again with a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation.actions.batches import Asked, open_batch, publish_batch
from annotation.models import Cell, Event, Field, Reading, ReadingState, Source
from tests.annotation.calling import call, cell, opened, save
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def field(cast: Cast) -> Field:
    return rows.field(cast.project)


@pytest.fixture
def ana(cast: Cast) -> Client:
    return cast.client("ana")


def readings(client: Client, field: Field) -> list[int]:
    return [row["id"] for row in call(client, "get", f"projects/{field.project.key}/fields/{field.code}/readings/")]


def test_opening_twice_finds_the_first(cast: Cast, ana: Client, field: Field) -> None:
    first = opened(ana, field)
    assert opened(ana, field) == first
    assert opened(cast.client("rui"), field) != first
    assert Event.objects.filter(verb="opened").count() == 2


def test_a_reading_begins_empty_unless_a_copy_is_asked_for(ana: Client, cast: Cast, field: Field) -> None:
    current = rows.reading(field, {"seg": 3, "myc": 1})
    Cell.objects.filter(reading=current, cell_class__key="myc").update(deleted_at=timezone.now())
    path = f"projects/{field.project.key}/fields/{field.code}/readings/"
    assert call(ana, "post", path)["cells"] == []
    copied = call(ana, "post", path, {"from_current": True})
    assert [row["provenance"] for row in copied["cells"]] == ["imported"] * 3
    assert {row["uuid"] for row in copied["cells"]}.isdisjoint(map(str, current.cells.values_list("uuid", flat=True)))
    assert {row["version"] for row in copied["cells"]} == {1}
    assert call(ana, "post", path, {"from_current": True}) == copied, "asked again it copies nothing over"
    event = Event.objects.get(verb="copied")
    assert event.after is not None
    assert (event.after["copied_from"], event.after["cells"]) == (current.pk, 3)
    assert current.cells.alive().count() == 3
    by_address = call(cast.client("rui"), "post", f"{path}?from_current=true&steal=true")
    assert len(by_address["cells"]) == 3


def test_no_current_reading_is_nothing_to_copy(ana: Client, field: Field) -> None:
    number = opened(ana, field, from_current=True)
    assert Reading.objects.get(pk=number).cells.count() == 0


def test_what_is_kept_aside_or_still_open_is_shown_to_nobody_else(cast: Cast, ana: Client, field: Field) -> None:
    sealed = rows.reading(field, {"seg": 1}, source=Source.ORACLE, state=ReadingState.SEALED)
    of_rui = opened(cast.client("rui"), field)
    mine = opened(ana, field)
    for who in ("ana", "lea"):
        client = cast.client(who)
        for hidden in (sealed.pk, of_rui):
            call(client, "get", f"readings/{hidden}/cells/", status=404)
            assert hidden not in readings(client, field)
    for who in ("rui", "ada", "root"):
        client = cast.client(who)
        call(client, "get", f"readings/{sealed.pk}/cells/", status=404)
        assert readings(client, field) == [of_rui, mine], "reviewers see what others have begun"
    assert readings(ana, field) == [mine]


def test_a_submitted_reading_is_shown_once_it_is_current(cast: Cast, ana: Client, field: Field) -> None:
    rui = cast.client("rui")
    of_ana, of_rui = opened(ana, field), opened(rui, field)
    for client, number in ((rui, of_rui), (ana, of_ana)):
        call(client, "post", f"readings/{number}/submit/", {"exhaustive": True})
    assert readings(cast.client("lea"), field) == [of_ana]


def test_submitting_says_which_field_is_next(cast: Cast, ana: Client, field: Field) -> None:
    others = [rows.field(cast.project) for _ in range(2)]
    asked = [Asked(item, 1.0, "by chance") for item in (field, *others)]
    batch = publish_batch(project=cast.project, number=1, strategy="random", seed=0, asked=asked)
    open_batch(batch=batch)
    opened(cast.client("rui"), others[0])
    number = opened(ana, field)
    save(ana, number, cell(1))
    said = call(ana, "post", f"readings/{number}/submit/", {"exhaustive": True})
    assert said == {"next": f"/projects/study/fields/{others[1].code}/"}, "Rui is at work on the one between"
    field.refresh_from_db()
    assert field.current_reading_id == number
    last = opened(ana, others[1])
    assert call(ana, "post", f"readings/{last}/submit/", {"exhaustive": False}) == {"next": None}
    assert "closed" in call(ana, "post", f"readings/{last}/submit/", {"exhaustive": False}, status=422)["message"]


def test_submitting_needs_the_statement_and_the_author(cast: Cast, ana: Client, field: Field) -> None:
    number = opened(ana, field)
    path = f"readings/{number}/submit/"
    assert "exhaustive" in call(ana, "post", path, {}, status=400)["faults"]
    assert "exhaustive" in call(ana, "post", path, {"exhaustive": None}, status=400)["faults"]
    assert call(ana, "post", path, [], status=400)["message"]
    assert "author" in call(cast.client("ada"), "post", path, {"exhaustive": True}, status=422)["message"]
    assert Reading.objects.get(pk=number).state == ReadingState.OPEN


def test_opening_again_takes_a_reason_and_keeps_the_role(cast: Cast, ana: Client, field: Field) -> None:
    number = opened(ana, field)
    path = f"readings/{number}/reopen/"
    assert "open already" in call(ana, "post", path, {"reason": "x"}, status=422)["message"]
    call(ana, "post", f"readings/{number}/submit/", {"exhaustive": True})
    call(ana, "post", path, {"reason": "  "}, status=400)
    assert call(ana, "post", path, {"reason": "I missed two blasts."})["state"] == "open"
    field.refresh_from_db()
    assert field.current_reading_id is None
    call(ana, "post", f"readings/{number}/submit/", {"exhaustive": True})
    assert call(cast.client("rui"), "post", path, {"reason": "Look at the blasts."})["mine"] is False
    told: Any = Event.objects.filter(verb="reopened").order_by("pk").values_list("actor__username", "after")
    assert [(who, after["role"], after["reason"]) for who, after in told] == [
        ("ana", "annotator", "I missed two blasts."),
        ("rui", "reviewer", "Look at the blasts."),
    ]


def test_what_cannot_be_opened_again(cast: Cast, ana: Client, field: Field) -> None:
    imported = rows.reading(field, {"seg": 1})
    path = f"readings/{imported.pk}/reopen/"
    assert "reviewer" in call(ana, "post", path, {"reason": "x"}, status=422)["message"]
    rui = cast.client("rui")
    assert "copy" in call(rui, "post", path, {"reason": "x"}, status=422)["message"]
    number = opened(ana, field)
    call(ana, "post", f"readings/{number}/submit/", {"exhaustive": True})
    assert call(rui, "post", f"readings/{number}/sign-off/")["state"] == "signed_off"
    assert "sign-off" in call(ana, "post", f"readings/{number}/reopen/", {"reason": "x"}, status=422)["message"]
    call(ana, "post", f"readings/{number}/take-back/", {"reason": "x"}, status=403)
    assert call(rui, "post", f"readings/{number}/take-back/", {"reason": "Two are blasts."})["state"] == "submitted"
    opened(ana, field)
    assert "another" in call(ana, "post", f"readings/{number}/reopen/", {"reason": "x"}, status=422)["message"]


def test_a_heartbeat_holds_the_field(cast: Cast, ana: Client, field: Field) -> None:
    number = opened(ana, field)
    Reading.objects.filter(pk=number).update(lease_until=timezone.now() - timedelta(hours=1))
    assert not Reading.objects.at_work().filter(pk=number).exists()
    call(ana, "post", f"readings/{number}/heartbeat/")
    assert Reading.objects.at_work().filter(pk=number).exists()
    assert "author" in call(cast.client("rui"), "post", f"readings/{number}/heartbeat/", status=422)["message"]
    Reading.objects.filter(pk=number).update(lease_until=None)
    save(ana, number, cell(1))
    assert Reading.objects.at_work().filter(pk=number).exists(), "who saves is at work"
    call(ana, "post", f"readings/{number}/submit/", {"exhaustive": True})
    assert "closed" in call(ana, "post", f"readings/{number}/heartbeat/", status=422)["message"]


@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, 10**40])
def test_a_number_that_is_no_reading(ana: Client, number: int) -> None:
    call(ana, "get", f"readings/{number}/cells/", status=404)
