"""The workbench's page: who sees it, how many queries it takes, and reference cells."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation.actions.references import choose_reference
from annotation.errors import Refused
from annotation.models import Cell, Event, Field, ReferenceCell
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def field(cast: Cast) -> Field:
    return rows.field(cast.project)


def page_of(client: Client, field: Field) -> dict[str, Any]:
    answer = client.get(f"/projects/{field.project.key}/fields/{field.code}/")
    assert answer.status_code == 200
    found = re.search(r'<script id="page" type="application/json">(.*?)</script>', answer.content.decode())
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


@pytest.mark.parametrize(("who", "status"), [("ana", 200), ("rui", 200), ("lea", 200), ("otto", 404), ("nobody", 302)])
def test_who_sees_the_page(cast: Cast, field: Field, who: str, status: int) -> None:
    assert cast.client(who).get(f"/projects/study/fields/{field.code}/").status_code == status


def test_a_field_that_is_not_there_is_not_found(cast: Cast) -> None:
    assert cast.client("ana").get("/projects/study/fields/F99999/").status_code == 404


def test_only_reviewers_are_told_where_references_go(cast: Cast, field: Field) -> None:
    assert page_of(cast.client("ana"), field)["reference"] is None
    assert page_of(cast.client("rui"), field)["reference"] == "/projects/study/references/"


def test_the_page_names_no_original_file(cast: Cast, field: Field) -> None:
    Field.objects.filter(pk=field.pk).update(original_name="Miller_Anna_1950.png")
    answer = cast.client("ada").get(f"/projects/study/fields/{field.code}/")
    assert b"Miller" not in answer.content


def test_the_page_takes_as_many_queries_with_many_cells(cast: Cast, field: Field) -> None:
    client = cast.client("ana")
    address = f"/projects/study/fields/{field.code}/"
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(address)
    rows.reading(field, {"seg": 40})
    for cell in Cell.objects.all()[:20]:
        choose_reference(cell=cell, actor=cast.rui)
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few) <= 12


def test_a_class_shows_its_first_references_with_their_notes(cast: Cast, field: Field) -> None:
    made = rows.reading(field, {"seg": 8, "lym": 1})
    seg = made.cells.filter(cell_class__key="seg").order_by("pk")
    chosen = [choose_reference(cell=cell, actor=cast.rui, note=f"number {index}") for index, cell in enumerate(seg)]
    shown = page_of(cast.client("ana"), field)["references"]
    number = str(seg[0].cell_class.number)
    assert list(shown) == [number]
    assert [one["note"] for one in shown[number]] == [f"number {index}" for index in range(6)]
    assert shown[number][0]["picture"] == f"/projects/study/references/{chosen[0].pk}/picture/"


def test_a_reference_is_kept_once_and_recorded(cast: Cast, field: Field) -> None:
    cell = rows.reading(field, {"seg": 1}).cells.get()
    sent = {"cell": str(cell.uuid), "note": "Five lobes"}
    first = cast.client("rui").post("/projects/study/references/", sent)
    again = cast.client("rui").post("/projects/study/references/", sent)
    assert first.json() == again.json()
    assert first.json()["class"] == cell.cell_class.number
    assert ReferenceCell.objects.get().author == cast.rui
    assert Event.objects.filter(verb="reference chosen", cell=cell).count() == 1


@pytest.mark.parametrize(("who", "status"), [("ana", 403), ("lea", 403), ("otto", 404), ("nobody", 302)])
def test_only_reviewers_choose_references(cast: Cast, field: Field, who: str, status: int) -> None:
    cell = rows.reading(field, {"seg": 1}).cells.get()
    assert cast.client(who).post("/projects/study/references/", {"cell": str(cell.uuid)}).status_code == status
    assert not ReferenceCell.objects.exists()


@pytest.mark.parametrize(
    ("cell", "status"), [("", 400), ("no uuid", 400), ("6f0bb8d6-30a9-4a9c-8a8c-9c9c7d7e9a10", 404)]
)
def test_a_reference_that_cannot_be_is_named(cast: Cast, cell: str, status: int) -> None:
    assert cast.client("rui").post("/projects/study/references/", {"cell": cell}).status_code == status


def test_a_deleted_cell_is_no_reference(cast: Cast, field: Field) -> None:
    cell = rows.reading(field, {"seg": 1}).cells.select_related("reading__field__project", "cell_class").get()
    cell.deleted_at = cell.created_at
    cell.save()
    with pytest.raises(Refused):
        choose_reference(cell=cell, actor=cast.rui)
    assert cast.client("rui").post("/projects/study/references/", {"cell": str(cell.uuid)}).status_code == 422


def test_labels_kept_aside_cannot_be_looked_at_as_references(cast: Cast, field: Field) -> None:
    cell = rows.reading(field, {"seg": 1}, source="oracle", state="sealed").cells.get()
    assert cast.client("rui").post("/projects/study/references/", {"cell": str(cell.uuid)}).status_code == 404
