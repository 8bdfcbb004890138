"""A locked cell: held by the server until it is unlocked; and what was deleted comes with the field."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from annotation.actions.cells import CellError, change_cell
from annotation.models import Cell, Event, Field
from tests.annotation.calling import CIRCLE, call, cell, opened, save
from tests.cast import Cast
from tests.learning import rows

BOX = {"kind": "box", "points": [10.0, 10.0, 30.0, 40.0]}


@pytest.fixture
def field(cast: Cast) -> Field:
    return rows.field(cast.project)


@pytest.fixture
def ana(cast: Cast) -> Client:
    return cast.client("ana")


@pytest.fixture
def reading(ana: Client, field: Field) -> int:
    return opened(ana, field)


@pytest.fixture
def seg(field: Field) -> int:
    return field.project.classes.get(key="seg").number


@pytest.fixture
def locked(ana: Client, reading: int, seg: int) -> UUID:
    """A cell at version 2, locked."""
    uuid = uuid4()
    save(ana, reading, cell(seg, uuid=uuid))
    (saved,) = save(ana, reading, cell(seg, uuid=uuid, version=1, locked=True))
    assert (saved["status"], saved["cell"]["locked"]) == ("saved", True)
    return uuid


@pytest.mark.parametrize(
    "wanted",
    [
        {"shape": BOX},
        {"attributes": {"mitosis": True}},
        {"deleted": True},
    ],
)
def test_it_is_not_changed_in_any_way(
    ana: Client, reading: int, seg: int, locked: UUID, wanted: dict[str, Any]
) -> None:
    (refused,) = save(ana, reading, cell(seg, uuid=locked, version=2, locked=True, **wanted))
    assert refused == {"status": "refused", "message": "This cell is locked: unlock it first."}
    row = Cell.objects.get(uuid=locked)
    assert (row.version, row.kind, row.attributes, row.deleted_at) == (2, "circle", {}, None)


def test_it_gets_no_other_class_by_the_api_either(ana: Client, reading: int, field: Field, locked: UUID) -> None:
    other = field.project.classes.get(key="lym").number
    body = {"version": 2, "class": other, "shape": CIRCLE, "locked": True}
    answer = call(ana, "put", f"readings/{reading}/cells/{locked}/", body, status=422)
    assert answer["message"] == "This cell is locked: unlock it first."


def test_unlocked_it_changes_and_both_are_on_record(ana: Client, reading: int, seg: int, locked: UUID) -> None:
    save(ana, reading, cell(seg, uuid=locked, version=2))
    (changed,) = save(ana, reading, cell(seg, uuid=locked, version=3, shape=BOX))
    assert changed["cell"]["shape"] == BOX
    verbs = Event.objects.filter(cell__uuid=locked).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["drawn", "locked", "unlocked", "changed"]


def test_unlocking_and_changing_may_come_as_one(ana: Client, reading: int, seg: int, locked: UUID) -> None:
    (changed,) = save(ana, reading, cell(seg, uuid=locked, version=2, shape=BOX))
    assert (changed["status"], changed["cell"]["locked"]) == ("saved", False)


def test_locked_again_by_now_it_says_that_it_was_unlocked(ana: Client, reading: int, seg: int, locked: UUID) -> None:
    (changed,) = save(ana, reading, cell(seg, uuid=locked, version=2, shape=BOX, locked=True, unlocked=True))
    assert (changed["status"], changed["cell"]["locked"]) == ("saved", True)


def test_the_same_again_is_no_change(ana: Client, reading: int, seg: int, locked: UUID) -> None:
    (again,) = save(ana, reading, cell(seg, uuid=locked, version=1, locked=True))
    assert (again["status"], again["cell"]["version"]) == ("saved", 2)


def test_a_command_is_held_back_too(cast: Cast, locked: UUID, seg: int) -> None:
    row = Cell.objects.get(uuid=locked)
    with pytest.raises(CellError, match="locked"):
        change_cell(cell=row, version=2, actor=cast.ana, attributes={"atypical": True})
    assert change_cell(cell=row, version=2, actor=cast.ana, locked=False).locked is False


def test_a_copy_of_a_reading_keeps_what_is_locked(
    cast: Cast, reading: int, ana: Client, field: Field, locked: UUID
) -> None:
    call(ana, "post", f"readings/{reading}/submit/", {"exhaustive": True})
    second = opened(cast.client("rui"), field, from_current=True)
    assert [cell["locked"] for cell in call(cast.client("rui"), "get", f"readings/{second}/cells/")["cells"]] == [True]


def test_what_was_deleted_comes_with_its_own_readers_field(
    cast: Cast, ana: Client, reading: int, field: Field, seg: int
) -> None:
    uuids = [uuid4() for _ in range(3)]
    save(ana, reading, *(cell(seg, uuid=uuid) for uuid in uuids))
    for uuid in uuids[:2]:
        save(ana, reading, cell(seg, uuid=uuid, version=1, deleted=True))
    path = f"projects/study/fields/{field.code}/workbench/"
    told = call(ana, "get", path)
    assert [one["uuid"] for one in told["trash"]] == [str(uuid) for uuid in uuids[:2]]
    assert [one["uuid"] for one in told["cells"]] == [str(uuids[2])]
    (back,) = save(ana, reading, cell(seg, uuid=uuids[0], version=2))
    assert (back["status"], back["cell"]["deleted"]) == ("saved", False)
    assert [one["uuid"] for one in call(ana, "get", path)["trash"]] == [str(uuids[1])]
    call(ana, "post", f"readings/{reading}/submit/", {"exhaustive": True})
    assert call(cast.client("rui"), "get", path)["trash"] == []
