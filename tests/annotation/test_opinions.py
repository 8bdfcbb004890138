"""Second opinions: who is unsure asks, a reviewer answers, and the cell stays as it is until its reader follows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.test import Client

from annotation.actions.opinions import OpinionError, give_opinion
from annotation.models import Cell, CellClass, Event, Field, Opinion
from tests.annotation.calling import call, cell, opened, save
from tests.cast import Cast
from tests.learning import rows

PAGE = "/projects/study/opinions/"


@pytest.fixture
def field(cast: Cast) -> Field:
    settings.IMAGES_DIR.mkdir(parents=True, exist_ok=True)
    return rows.picture(rows.field(cast.project))


@pytest.fixture
def ana(cast: Cast) -> Client:
    return cast.client("ana")


@pytest.fixture
def unsure(cast: Cast, ana: Client, field: Field) -> Cell:
    """A cell of Ana's, who is unsure, beside one of which she is not."""
    reading = opened(ana, field)
    asked = uuid4()
    save(ana, reading, cell(number(cast, "unsure"), uuid=asked), cell(number(cast, "seg")))
    return Cell.objects.get(uuid=asked)


def number(cast: Cast, key: str) -> int:
    return cast.project.classes.get(key=key).number


def lym(cast: Cast) -> CellClass:
    return cast.project.classes.get(key="lym")


def test_a_cell_that_asks_stands_in_the_list_of_reviewers(cast: Cast, unsure: Cell) -> None:
    rui = cast.client("rui")
    page = rui.get(PAGE).content.decode()
    assert "1 cell waits" in page
    assert str(unsure.uuid) in page
    picture = rui.get(f"{PAGE}{unsure.uuid}/picture/")
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")
    assert b"".join(picture.streaming_content).startswith(b"\xff\xd8")  # type: ignore[attr-defined]  # closes it too
    (asking,) = call(rui, "get", "projects/study/asking/")["results"]
    assert (asking["uuid"], asking["field"]) == (str(unsure.uuid), unsure.reading.field.code)
    assert "1 cell asks for a second opinion" in rui.get("/projects/study/queue/").content.decode()
    assert "second opinion" not in cast.client("ana").get("/projects/study/queue/").content.decode()


def test_an_answer_is_kept_beside_the_cell_which_stays_as_it_is(cast: Cast, ana: Client, unsure: Cell) -> None:
    said = {"opinion": number(cast, "lym"), "note": "A rim of blue.", "version": unsure.version}
    answer = cast.client("rui").post(f"{PAGE}{unsure.uuid}/", said, follow=True)
    assert "your opinion, Lymphocyte, is kept" in answer.content.decode()
    assert "0 cells wait" in answer.content.decode()
    before = (unsure.cell_class_id, unsure.version, unsure.author_id)
    unsure.refresh_from_db()
    assert (unsure.cell_class_id, unsure.version, unsure.author_id) == before
    event = Event.objects.get(verb="opinion given")
    assert (event.cell, event.actor, (event.after or {})["note"]) == (unsure, cast.rui, "A rim of blue.")
    told = call(ana, "get", f"projects/study/fields/{unsure.reading.field.code}/workbench/")["opinions"]
    assert [(one["cell"], one["class"], one["note"], one["author"]) for one in told] == [
        (str(unsure.uuid), number(cast, "lym"), "A rim of blue.", "rui")
    ]


def test_the_reader_follows_by_an_act_of_their_own(cast: Cast, ana: Client, unsure: Cell) -> None:
    give_opinion(cell=unsure, cell_class=lym(cast), actor=cast.rui)
    (followed,) = save(ana, unsure.reading, cell(number(cast, "lym"), uuid=unsure.uuid, version=1))
    assert followed["status"] == "saved"
    assert not Cell.objects.asking().exists()
    verbs = Event.objects.filter(cell=unsure).order_by("pk").values_list("verb", "actor__username")
    assert list(verbs) == [("drawn", "ana"), ("opinion given", "rui"), ("changed", "ana")]


def test_the_api_answers_too(cast: Cast, unsure: Cell) -> None:
    path = f"readings/{unsure.reading_id}/cells/{unsure.uuid}/opinions/"
    given = call(cast.client("rui"), "post", path, {"class": number(cast, "mono"), "version": 1}, status=201)
    assert (given["class"], given["author"]) == (number(cast, "mono"), "rui")
    call(cast.client("ana"), "post", path, {"class": number(cast, "mono")}, status=403)
    call(cast.client("rui"), "post", path, {"class": 9999}, status=404)


def test_who_may_not_answer_and_what_is_not_asked(cast: Cast, ana: Client, unsure: Cell) -> None:
    chosen = lym(cast)
    with pytest.raises(PermissionDenied):
        give_opinion(cell=unsure, cell_class=chosen, actor=cast.ana)
    with pytest.raises(OpinionError, match="changed meanwhile"):
        give_opinion(cell=unsure, cell_class=chosen, version=7, actor=cast.rui)
    sure = Cell.objects.exclude(pk=unsure.pk).get()
    with pytest.raises(OpinionError, match="Nobody asks"):
        give_opinion(cell=sure, cell_class=chosen, actor=cast.rui)
    own = opened(cast.client("rui"), unsure.reading.field)
    uuid = uuid4()
    save(cast.client("rui"), own, cell(number(cast, "unsure"), uuid=uuid))
    with pytest.raises(OpinionError, match="your own"):
        give_opinion(cell=Cell.objects.get(uuid=uuid), cell_class=chosen, actor=cast.rui)
    assert "Your own: somebody else has to answer." in cast.client("rui").get(PAGE).content.decode()
    assert not Opinion.objects.exists()


def test_what_cannot_be_said_is_said_on_the_page(cast: Cast, unsure: Cell) -> None:
    rui = cast.client("rui")
    for body, words in (
        ({"version": 1}, "Choose what the cell is."),
        ({"opinion": number(cast, "lym"), "version": 3}, "This cell was changed meanwhile"),
    ):
        answer = rui.post(f"{PAGE}{unsure.uuid}/", body)
        assert answer.status_code == 422
        assert words in answer.content.decode()


def test_imports_ask_nobody(cast: Cast, field: Field) -> None:
    rows.reading(field, {"unsure": 3})
    assert not Cell.objects.asking().exists()


@pytest.mark.parametrize("who", ["ana", "lea"])
def test_others_have_no_such_list(cast: Cast, unsure: Cell, who: str) -> None:
    client = cast.client(who)
    answers: list[Any] = [
        client.get(PAGE),
        client.get(f"{PAGE}{unsure.uuid}/picture/"),
        client.post(f"{PAGE}{unsure.uuid}/"),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_smudges_and_artefacts_are_kept_never_counted_and_told_per_case_and_field(cast: Cast) -> None:
    field = rows.field(cast.project)
    field.case = cast.project.cases.create(code="P1")
    field.save()
    rows.reading(field, {"seg": 6, "smudge": 1, "artefact": 1, "unsure": 2})
    ana = cast.client("ana")
    cases = ana.get("/projects/study/cases/").content.decode()
    assert "20.0 %" in cases
    assert "6 of 500" in cases
    assert "20 % smudges and artefacts" in ana.get(f"/projects/study/cases/{field.case.pk}/").content.decode()
