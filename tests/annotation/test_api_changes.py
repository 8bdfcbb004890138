"""Changes of the workbench by the API: saved once, never over somebody's work, and each answered for itself."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from annotation.actions.classes import retire_class
from annotation.models import Cell, Event, Field, Prediction, Project, Reading, Rejection
from tests.annotation.calling import CIRCLE, call, cell, opened, save
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def field(cast: Cast) -> Field:
    return rows.field(cast.project)


@pytest.fixture
def ana(cast: Cast) -> Client:
    return cast.client("ana")


@pytest.fixture
def reading(ana: Client, field: Field) -> int:
    return opened(ana, field)


def number(project: Project, key: str) -> int:
    return project.classes.get(key=key).number


def prediction(field: Field, key: str = "seg") -> Prediction:
    cell_class = field.project.classes.get(key=key)
    return Prediction.objects.create(
        field=field, model_id=1, model_label="s1", cell_class=cell_class, kind="circle", points=[50, 60, 12], score=0.8
    )


def test_a_cell_is_drawn_changed_deleted_and_restored(cast: Cast, ana: Client, reading: int) -> None:
    seg, band = number(cast.project, "seg"), number(cast.project, "band")
    uuid = uuid4()
    (drawn,) = save(ana, reading, cell(seg, uuid=uuid))
    assert drawn["status"] == "saved"
    assert drawn["cell"] == {
        "uuid": str(uuid),
        "version": 1,
        "class": seg,
        "shape": CIRCLE,
        "attributes": {},
        "prediction": None,
        "provenance": "drawn",
        "deleted": False,
        "locked": False,
        "author": "ana",
    }
    (changed,) = save(ana, reading, cell(band, uuid=uuid, version=1, attributes={"atypical": True}))
    assert (changed["cell"]["class"], changed["cell"]["version"]) == (band, 2)
    last: dict[str, Any] = {"attributes": {"atypical": True}, "uuid": uuid}
    (deleted,) = save(ana, reading, cell(band, version=2, deleted=True, **last))
    assert deleted["cell"]["deleted"] is True
    assert call(ana, "get", f"readings/{reading}/cells/") == {"cells": []}
    (restored,) = save(ana, reading, cell(band, version=3, **last))
    assert (restored["cell"]["deleted"], restored["cell"]["version"]) == (False, 4)
    verbs = Event.objects.filter(cell__uuid=uuid).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["drawn", "changed", "deleted", "restored"]
    assert set(Event.objects.filter(cell__uuid=uuid).values_list("client", flat=True)) == {"page"}


def test_the_same_request_twice_changes_nothing_more(cast: Cast, ana: Client, reading: int) -> None:
    seg, band = number(cast.project, "seg"), number(cast.project, "band")
    new, uuid = cell(seg), uuid4()
    save(ana, reading, cell(seg, uuid=uuid))
    changes = [new, cell(band, uuid=uuid, version=1)]
    first, again = save(ana, reading, *changes), save(ana, reading, *changes)
    assert first == again
    assert [result["status"] for result in again] == ["saved", "saved"]
    assert Event.objects.filter(cell__isnull=False).count() == 3


def test_a_stale_version_is_told_what_the_cell_is_now(cast: Cast, ana: Client, reading: int) -> None:
    seg, band, blast = (number(cast.project, key) for key in ("seg", "band", "blast"))
    uuid = uuid4()
    save(ana, reading, cell(seg, uuid=uuid), cell(band, uuid=uuid, version=1))
    (stale,) = save(ana, reading, cell(blast, uuid=uuid, version=1))
    assert stale["status"] == "stale"
    assert (stale["cell"]["class"], stale["cell"]["version"]) == (band, 2)
    (new,) = save(ana, reading, cell(blast, uuid=uuid))
    assert new["status"] == "stale", "the same uuid with other content is no new cell"
    assert Cell.objects.get(uuid=uuid).cell_class.key == "band"


def test_a_bad_change_never_blocks_another(cast: Cast, ana: Client, reading: int) -> None:
    seg = number(cast.project, "seg")
    bad: list[Any] = [
        cell(seg, shape={"kind": "circle", "points": [900, 10, 5]}),
        cell(9999),
        cell(seg, shape={"kind": "circle", "points": [1, 2]}),
        cell(seg, shape={"kind": "contour", "points": [1, 2, 3, 4]}),
        cell(seg, shape={"kind": "star", "points": [1, 2, 3]}),
        cell(seg, version=3),
        cell(seg, version=-1),
        cell(seg, prediction=12345),
        cell(seg, uuid="not a uuid"),
        cell(seg, attributes={"long": "x" * 20_000}),
        {"type": "rejection", "prediction": 12345, "rejected": True},
        {"type": "unknown"},
        "cell",
        None,
        [],
    ]
    results = save(ana, reading, cell(seg), *bad, cell(seg))
    assert [result["status"] for result in results] == ["saved", *["refused"] * len(bad), "saved"]
    assert all(result["message"] for result in results[1:-1])
    assert Cell.objects.count() == 2


def test_the_same_uuid_twice_in_one_request(cast: Cast, ana: Client, reading: int) -> None:
    seg, band, uuid = number(cast.project, "seg"), number(cast.project, "band"), uuid4()
    results = save(ana, reading, cell(seg, uuid=uuid), cell(band, uuid=uuid, version=1), cell(seg, uuid=uuid))
    assert [result["status"] for result in results] == ["saved", "saved", "stale"]


def test_a_uuid_of_another_reading_is_refused(cast: Cast, ana: Client, reading: int, field: Field) -> None:
    seg, uuid = number(cast.project, "seg"), uuid4()
    save(ana, reading, cell(seg, uuid=uuid))
    elsewhere = opened(ana, rows.field(cast.project))
    rui = cast.client("rui")
    for client, other in ((ana, elsewhere), (rui, opened(rui, field))):
        for version in (0, 1):
            (result,) = save(client, other, cell(seg, uuid=uuid, version=version))
            assert result["status"] == "refused"
            assert "another reading" in result["message"]
    assert Cell.objects.get(uuid=uuid).reading_id == reading


def test_the_same_uuid_in_another_project_is_another_cell(cast: Cast, ana: Client, reading: int) -> None:
    uuid = uuid4()
    other = rows.project()
    other.memberships.create(user=cast.ana, role="annotator")
    elsewhere = opened(ana, rows.field(other))
    save(ana, reading, cell(number(cast.project, "seg"), uuid=uuid))
    (result,) = save(ana, elsewhere, cell(number(other, "seg"), uuid=uuid))
    assert result["status"] == "saved"
    assert Cell.objects.filter(uuid=uuid).count() == 2


def test_spellings_of_a_uuid_are_one(cast: Cast, ana: Client, reading: int) -> None:
    seg, uuid = number(cast.project, "seg"), uuid4()
    spellings = [str(uuid), str(uuid).upper(), uuid.hex]
    results = save(ana, reading, *(cell(seg, uuid=spelling) for spelling in spellings))
    assert [result.get("cell", {}).get("uuid") for result in results] == [str(uuid)] * 3
    assert Cell.objects.count() == 1


def test_only_the_author_writes_and_only_while_it_is_open(cast: Cast, ana: Client, reading: int) -> None:
    seg = number(cast.project, "seg")
    save(ana, reading, cell(seg))
    for who in ("rui", "ada", "root"):
        (result,) = save(cast.client(who), reading, cell(seg))
        assert result["status"] == "refused"
        assert "author" in result["message"]
    call(ana, "post", f"readings/{reading}/submit/", {"exhaustive": True})
    (result,) = save(ana, reading, cell(seg))
    assert (result["status"], "closed" in result["message"]) == ("refused", True)
    assert Cell.objects.count() == 1


def test_a_retired_class_still_saves(cast: Cast, ana: Client, reading: int) -> None:
    retired = cast.project.classes.get(key="seg")
    retire_class(cell_class=retired, actor=cast.ada)
    (result,) = save(ana, reading, cell(retired.number))
    assert result["status"] == "saved"


def test_accepted_corrected_and_accepted_again_by_undo(cast: Cast, ana: Client, reading: int, field: Field) -> None:
    seg, band, uuid = number(cast.project, "seg"), number(cast.project, "band"), uuid4()
    suggested = prediction(field).pk
    provenance = [
        save(ana, reading, cell(value, uuid=uuid, version=version, prediction=suggested))[0]["cell"]["provenance"]
        for version, value in enumerate((seg, band, seg))
    ]
    assert provenance == ["accepted", "corrected", "accepted"]
    (result,) = save(ana, reading, cell(seg, uuid=uuid, version=3, prediction=None))
    assert result["status"] == "refused"
    (result,) = save(ana, reading, cell(seg, prediction=prediction(rows.field(cast.project)).pk))
    assert result["status"] == "refused", "a prediction of another field"


def test_rejections(ana: Client, reading: int, field: Field) -> None:
    suggested = prediction(field).pk
    said = {"type": "rejection", "prediction": suggested, "rejected": True}
    assert save(ana, reading, said, said) == [{"status": "saved"}, {"status": "saved"}]
    assert Rejection.objects.filter(withdrawn_at=None).count() == 1
    assert save(ana, reading, said | {"rejected": False}) == [{"status": "saved"}]
    row = Rejection.objects.get()
    assert row.withdrawn_at is not None
    assert row.author == Reading.objects.get(pk=reading).author
    save(ana, reading, said)
    assert Rejection.objects.get().withdrawn_at is None
    verbs = Event.objects.filter(reading=reading).exclude(verb="opened").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["rejected", "rejection withdrawn", "rejected"]


def test_one_cell_by_put(cast: Cast, ana: Client, reading: int) -> None:
    seg, band, uuid = number(cast.project, "seg"), number(cast.project, "band"), uuid4()
    path = f"readings/{reading}/cells/{uuid}/"
    assert call(ana, "put", path, cell(seg))["version"] == 1
    assert call(ana, "put", path, cell(band, version=1))["version"] == 2
    conflict = call(ana, "put", path, cell(seg, version=1, attributes={"a": 1}), status=409)
    assert (conflict["current"]["class"], conflict["current"]["version"]) == (band, 2)
    assert call(ana, "put", path, cell(9999, version=2), status=422)["message"]
    assert call(ana, "put", path, [], status=422)["message"]


def test_five_hundred_changes_are_quick(
    cast: Cast, ana: Client, reading: int, django_assert_max_num_queries: Any
) -> None:
    seg = number(cast.project, "seg")
    outline = {"kind": "contour", "points": [n + 0.25 for i in range(30) for n in (10 + i, 10 + i * i % 70)]}
    changes = [cell(seg, shape=outline) for _ in range(500)]
    with django_assert_max_num_queries(1600):
        began = time.perf_counter()
        results = save(ana, reading, *changes)
        seconds = time.perf_counter() - began
    assert {result["status"] for result in results} == {"saved"}
    assert seconds < 5, f"{seconds:.2f} s"
    with django_assert_max_num_queries(1600):
        save(ana, reading, *(change | {"version": 1, "deleted": True} for change in changes))
    assert Cell.objects.alive().count() == 0


def test_too_many_or_no_changes_at_all(ana: Client, reading: int) -> None:
    path = f"readings/{reading}/changes/"
    bodies: list[Any] = [None, [], {}, {"changes": None}, {"changes": {}}, {"changes": [None] * 501}, "changes", 7]
    for body in bodies:
        assert call(ana, "post", path, body, status=400)["message"]
    assert call(ana, "post", path, {"changes": []}) == {"results": []}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff",
        b'{"changes": NaN}',
        b'{"changes": [1e400]}',
        b'{"changes": [99999999999999999999]}',
        b'{"changes": ["\\u0000"]}',
        b'{"changes": ["\\ud800"]}',
        b"[" * 100_000,
        b'{"changes": ' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"changes": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_cannot_be_kept_cannot_be_read(ana: Client, reading: int, raw: bytes) -> None:
    answer = ana.post(f"/api/readings/{reading}/changes/", raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_who_may_not(cast: Cast, reading: int) -> None:
    body: dict[str, Any] = {"changes": []}
    call(cast.client("nobody"), "post", f"readings/{reading}/changes/", body, status=401)
    call(cast.client("otto"), "post", f"readings/{reading}/changes/", body, status=404)
    call(cast.client("lea"), "post", f"readings/{reading}/changes/", body, status=403)
    other = make_other_reading()
    call(cast.client("ana"), "post", f"readings/{other}/changes/", body, status=404)


def make_other_reading() -> int:
    elsewhere = Reading.objects.create(field=rows.field(rows.project()), source="drawn")
    return elsewhere.pk


def test_a_browser_must_bring_its_token(cast: Cast, reading: int) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.ana)
    answer = client.post(f"/api/readings/{reading}/changes/", {"changes": []}, content_type="application/json")
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["message"]


def test_a_database_that_is_busy_is_no_refusal(
    cast: Cast, ana: Client, reading: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser sends the same again after a fault; what is refused it would lay before the person."""
    change = cell(number(cast.project, "seg"))

    def busy(**_: Any) -> None:
        raise OperationalError("deadlock detected")

    ana.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr(Cell.objects, "create", busy)
        call(ana, "post", f"readings/{reading}/changes/", {"changes": [change]}, status=500)
    (saved,) = save(ana, reading, change)
    assert saved["status"] == "saved"


@pytest.mark.parametrize("radius", [1e9, 1e300])
def test_a_circle_is_no_larger_than_its_field(cast: Cast, ana: Client, reading: int, radius: float) -> None:
    shape = {"kind": "circle", "points": [50.0, 60.0, radius]}
    (answer,) = save(ana, reading, cell(number(cast.project, "seg"), shape=shape))
    assert answer["status"] == "refused"
    assert "whole image" in answer["message"]


def test_a_body_without_end_is_not_read_into_memory(ana: Client, reading: int, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    said = call(ana, "post", f"readings/{reading}/changes/", {"changes": [], "more": "x" * 2000}, status=400)
    assert "at most 1000 bytes" in said["message"]
