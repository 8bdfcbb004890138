"""A save asks the database little, because 50 readers save at once; and what it asks less it does not allow more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.access import Permission, find_reading, visible_readings
from annotation.actions.leases import FRESH, LEASE
from annotation.models import Cell, Event, Reading
from benchmarks.readers_desks import check
from tests.annotation.calling import cell, opened, save
from tests.cast import Cast
from tests.learning import rows

# Session, person, reading, role; the lock, the role again, class, cell; two inserts; and what holds them together.
MOST = 15


def test_a_save_asks_the_database_little(cast: Cast) -> None:
    ana, number = cast.client("ana"), cast.project.classes.get(key="seg").number
    reading = opened(ana, rows.field(cast.project))
    save(ana, reading, cell(number))
    with CaptureQueriesContext(connection) as asked:
        save(ana, reading, cell(number))
    assert len(asked) <= MOST, [query["sql"][:90] for query in asked]


@pytest.mark.django_db
def test_a_lease_is_renewed_by_saving_once_it_is_no_longer_fresh(cast: Cast) -> None:
    ana, number = cast.client("ana"), cast.project.classes.get(key="seg").number
    reading = Reading.objects.get(pk=opened(ana, rows.field(cast.project)))
    first = reading.lease_until
    save(ana, reading.pk, cell(number))
    reading.refresh_from_db()
    assert reading.lease_until == first
    soon = timezone.now() + (LEASE - FRESH) / 2
    Reading.objects.filter(pk=reading.pk).update(lease_until=soon)
    save(ana, reading.pk, cell(number))
    reading.refresh_from_db()
    assert reading.lease_until is not None
    assert reading.lease_until > soon


def found(who: Any, reading: Reading) -> bool:
    try:
        return find_reading(who, reading.pk).pk == reading.pk
    except (Http404, PermissionDenied):
        return False


def test_a_reading_is_found_by_whom_it_is_visible_to_and_by_nobody_else(cast: Cast) -> None:
    people = [cast.ana, cast.rui, cast.lea, cast.ada, cast.otto, cast.root]
    authors = [None, cast.ana, cast.rui]
    readings = []
    for source, state in (("drawn", "open"), ("drawn", "submitted"), ("oracle", "sealed"), ("imported", "submitted")):
        for author in authors:
            field = rows.field(cast.project)
            readings += [Reading.objects.create(field=field, author=author, source=source, state=state)]
            of_current = Reading.objects.create(
                field=rows.field(cast.project), author=author, source=source, state=state
            )
            of_current.field.current_reading = of_current
            of_current.field.save()
            readings += [of_current]
    seen = {(who.username, reading.pk) for who in people for reading in readings if found(who, reading)}
    members = [who for who in people if who != cast.otto]
    allowed = {
        (who.username, pk) for who in members for pk in visible_readings(who, cast.project).values_list("pk", flat=True)
    }
    assert seen == allowed
    assert 0 < len(seen) < len(people) * len(readings)
    cast.ana.is_active = False
    assert not any(found(cast.ana, reading) for reading in readings)


def test_a_member_without_the_right_is_told_so_and_an_outsider_nothing(cast: Cast) -> None:
    reading = Reading.objects.create(field=rows.field(cast.project), author=cast.ana, source="drawn")
    with pytest.raises(PermissionDenied, match="label"):
        find_reading(cast.lea, reading.pk, Permission.LABEL)
    with pytest.raises(Http404):
        find_reading(cast.otto, reading.pk, Permission.LABEL)


def test_the_benchmark_of_readers_finds_what_is_lost_or_covered(cast: Cast, tmp_path: Path) -> None:
    ana, number = cast.client("ana"), cast.project.classes.get(key="seg").number
    reading = opened(ana, rows.field(cast.project))
    sent = [cell(number, uuid=uuid4()) for _ in range(3)]
    told = [
        {"status": answer["status"], "uuid": str(one["uuid"]), "version": 1, "points": one["shape"]["points"]}
        for one, answer in zip(sent, save(ana, reading, *sent), strict=True)
    ]
    log = tmp_path / "saved.jsonl"

    def checked() -> tuple[int, int]:
        log.write_text("".join(json.dumps(line) + "\n" for line in told))
        answer = check(str(log))
        return answer["lost"], answer["overwritten"]

    assert checked() == (0, 0)
    told.append(told[0] | {"points": [1.0, 1.0, 1.0]})
    assert checked() == (0, 1), "two were told that they had made one version"
    told[-1] = told[0] | {"version": 2}
    assert checked() == (1, 0), "a version that was answered is not on record"
    told.pop()
    Cell.objects.filter(uuid=sent[1]["uuid"]).update(points=[2.0, 2.0, 2.0])
    assert checked() == (1, 0), "the cell is not what the record says"
    Cell.objects.filter(uuid=sent[1]["uuid"]).update(points=sent[1]["shape"]["points"])
    made = Event.objects.filter(cell__uuid=sent[2]["uuid"]).latest("pk")
    Event.objects.create(
        project=cast.project, cell=made.cell, verb="changed", before={"other": 1}, after=made.after, client="page"
    )
    assert checked() == (0, 1), "an event does not begin where the one before it ended"
