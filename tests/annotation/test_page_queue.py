"""The queue, and the way to the next field."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotation.actions.batches import Asked, open_batch, publish_batch
from annotation.models import Field, Reading, ReadingState, Source
from tests.cast import Cast
from tests.learning import rows

QUEUE, NEXT = "/projects/study/queue/", "/projects/study/next/"


def batch_of(cast: Cast, number: int = 1, size: int = 3) -> list[Field]:
    fields = [rows.field(cast.project) for _ in range(size)]
    asked = [Asked(field, 1 / rank, f"reason {rank}") for rank, field in enumerate(fields, start=1)]
    open_batch(batch=publish_batch(project=cast.project, number=number, strategy="hybrid", seed=0, asked=asked))
    return fields


def work_on(field: Field, author: User, *, minutes: int) -> Reading:
    lease = timezone.now() + timedelta(minutes=minutes)
    return Reading.objects.create(field=field, author=author, source=Source.DRAWN, lease_until=lease)


def place(key: str, field: Field) -> str:
    return f"/projects/{key}/fields/{field.code}/"


def test_it_lists_what_waits_by_rank_with_its_reason(cast: Cast) -> None:
    fields = batch_of(cast)
    page = cast.client("ana").get(QUEUE).content.decode()
    assert [page.index(field.code) for field in fields] == sorted(page.index(field.code) for field in fields)
    assert "reason 1" in page
    assert "<strong>0</strong> of 3 labelled" in page


def test_an_engineer_does_not_label(cast: Cast) -> None:
    assert cast.client("lea").get(QUEUE).status_code == 403
    assert cast.client("lea").get(NEXT).status_code == 403
    assert cast.client("otto").get(QUEUE).status_code == 404


def test_the_next_field_is_the_first_that_waits(cast: Cast) -> None:
    first, second, _ = batch_of(cast)
    assert cast.client("ana").get(NEXT)["Location"] == place("study", first)
    rows.reading(first, {"seg": 1})
    assert cast.client("ana").get(NEXT)["Location"] == place("study", second)
    assert cast.client("ana").get(NEXT, {"skip": second.code})["Location"] != place("study", second)


def test_nobody_is_sent_where_another_is_at_work(cast: Cast) -> None:
    first, second, third = batch_of(cast)
    work_on(first, cast.rui, minutes=5)
    work_on(second, cast.rui, minutes=-5)
    assert cast.client("ana").get(NEXT)["Location"] == place("study", second)
    assert cast.client("rui").get(NEXT)["Location"] == place("study", first)
    page = cast.client("ana").get(QUEUE).content.decode()
    assert page.count("rui is at work") == 1
    assert third.code in page


def test_what_one_has_begun_comes_first(cast: Cast) -> None:
    _, _, third = batch_of(cast)
    work_on(third, cast.ana, minutes=5)
    assert cast.client("ana").get(NEXT)["Location"] == place("study", third)
    assert "Begun by you" in cast.client("ana").get(QUEUE).content.decode()


def test_when_others_hold_the_rest_the_queue_says_so(cast: Cast) -> None:
    (only,) = batch_of(cast, size=1)
    work_on(only, cast.rui, minutes=5)
    answer = cast.client("ana").get(NEXT, follow=True)
    assert "Others are at work on the 1 field still waiting" in answer.content.decode()


def test_an_empty_queue_says_what_comes_next(cast: Cast) -> None:
    held_out = rows.field(cast.project, "test")
    rows.field(cast.project, "training")
    page = cast.client("ana").get(NEXT, follow=True).content.decode()
    assert "No batch is open" in page
    assert "1 held-out field</a>" in page
    assert "1 field of the pool" in page
    for field in batch_of(cast):
        rows.reading(field, {"seg": 1})
    assert "Every field of the open batch is labelled" in cast.client("ana").get(QUEUE).content.decode()
    assert held_out.code not in page


def test_a_closed_batch_asks_for_nothing(cast: Cast) -> None:
    old = batch_of(cast, number=1)
    batch_of(cast, number=2)
    page = cast.client("ana").get(QUEUE).content.decode()
    assert old[0].code not in page


def test_what_one_submitted_stands_below(cast: Cast) -> None:
    field = rows.field(cast.project)
    made = rows.reading(field, {"seg": 2}, source=Source.DRAWN)
    Reading.objects.filter(pk=made.pk).update(author=cast.ana, submitted_at=timezone.now())
    assert "Submitted by you" in cast.client("ana").get(QUEUE).content.decode()
    assert "Submitted by you" not in cast.client("rui").get(QUEUE).content.decode()


def test_sealed_labels_do_not_show(cast: Cast) -> None:
    (field,) = batch_of(cast, size=1)
    sealed = rows.reading(field, {"seg": 7}, source=Source.ORACLE, state=ReadingState.SEALED)
    Reading.objects.filter(pk=sealed.pk).update(author=cast.ana)
    page = cast.client("ana").get(QUEUE).content.decode()
    assert "7 cells" not in page
    assert "waiting" in page


@pytest.mark.parametrize("asked", ["0", "99", "last", "-1", "x"])
def test_any_page_number_answers(cast: Cast, asked: str) -> None:
    batch_of(cast)
    assert cast.client("ana").get(QUEUE, {"page": asked}).status_code == 200


def test_its_queries_do_not_grow_with_its_length(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    batch_of(cast, size=30)
    client = cast.client("ana")
    with django_assert_max_num_queries(13):
        client.get(QUEUE)


def test_a_letter_that_no_database_keeps_is_refused_at_every_page(cast: Cast) -> None:
    client = cast.client("rui")
    for address in ("next/?skip=%00", "fields/F%00/", "cases/?q=%00"):
        assert client.get(f"/projects/study/{address}").status_code == 404
    assert client.post("/projects/study/references/", {"cell": "a", "note": "\x00"}).status_code == 400
    assert client.get("/api/projects/study/fields/F%00/").json()["message"]
