"""The record of a field and of each cell: complete, in words, and hidden where the labels themselves are."""

from __future__ import annotations

from itertools import pairwise
from uuid import uuid4

import pytest

from annotation.models import Event, Field
from tests.annotation.calling import CIRCLE, call, cell, opened, save
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def field(cast: Cast) -> Field:
    return rows.field(cast.project)


def test_a_cell_tells_all_that_became_of_it(cast: Cast, field: Field) -> None:
    ana, uuid = cast.client("ana"), uuid4()
    seg, myc = (field.project.classes.get(key=key).number for key in ("seg", "myc"))
    reading = opened(ana, field)
    moved = CIRCLE | {"points": [70.0, 60.0, 12.0]}
    save(ana, reading, cell(seg, uuid=uuid), cell(seg))
    save(ana, reading, cell(myc, uuid=uuid, version=1))
    save(ana, reading, cell(myc, uuid=uuid, version=2, shape=moved))
    save(ana, reading, cell(myc, uuid=uuid, version=3, shape=moved, deleted=True))
    events = f"projects/{field.project.key}/fields/{field.code}/events/"
    found = call(ana, "get", f"{events}?cell={uuid}")["results"]
    assert [one["verb"] for one in found] == ["drawn", "changed", "changed", "deleted"]
    for earlier, later in pairwise(found):
        assert later["before"] == earlier["after"], "no step is missing and none is covered by another"
    assert len(call(ana, "get", events)["results"]) == Event.objects.filter(reading=reading).count() == 6
    page = ana.get(f"/projects/{field.project.key}/fields/{field.code}/history/?cell={uuid}").content.decode()
    assert page.index("deleted: yes") < page.index("shape: circle 70, 60, 12") < page.index("class: Myelocyte")
    assert str(uuid) in page


def test_what_others_drew_is_hidden_until_it_counts(cast: Cast, field: Field) -> None:
    ana, rui = cast.client("ana"), cast.client("rui")
    reading, uuid = opened(ana, field), uuid4()
    save(ana, reading, cell(field.project.classes.get(key="seg").number, uuid=uuid))
    events = f"projects/{field.project.key}/fields/{field.code}/events/"
    history = f"/projects/{field.project.key}/fields/{field.code}/history/"
    lea = cast.client("lea")
    assert call(lea, "get", events)["results"] == []
    assert "Nobody has worked on this field yet" in lea.get(history).content.decode()
    assert len(call(rui, "get", events)["results"]) == 2, "a reviewer sees them"
    assert "Ask a classifier" not in rui.get(f"{history}?cell={uuid}").content.decode(), "it does not count yet"
    call(ana, "post", f"readings/{reading}/submit/", {"exhaustive": True})
    assert [one["verb"] for one in call(lea, "get", events)["results"]] == ["opened", "drawn", "submitted"]
    assert "drawn" in lea.get(history).content.decode()
    page = lea.get(f"{history}?cell={uuid}").content.decode()
    assert f"/projects/{field.project.key}/cells/{uuid}/" in page


def test_a_cell_that_is_none_is_not_found(cast: Cast, field: Field) -> None:
    history = f"/projects/{field.project.key}/fields/{field.code}/history/"
    assert cast.client("ana").get(f"{history}?cell=nonsense").status_code == 404
    empty = cast.client("ana").get(f"{history}?cell={uuid4()}")
    assert "Nothing is on record of such a cell" in empty.content.decode()
