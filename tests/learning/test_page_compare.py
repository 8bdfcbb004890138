"""The page that compares two models: differences with intervals, settings, and both on one field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import DjangoAssertNumQueries

from annotation.models import Cell, Field
from tests.cast import Cast
from tests.learning import findings, rows
from tests.learning.findings import Script

pytestmark = pytest.mark.django_db

BASE = "/projects/study/models/compare/"
FAR = (150.0, 150.0, 170.0, 170.0)


@pytest.fixture
def fields(cast: Cast, home: Path) -> list[Field]:
    """Three tuning fields and one of test; s1 misses two cells on the second of them, and s2 takes one for another."""
    cache.clear()
    made = findings.fields(cast.project, ["tuning", "tuning", "tuning", "test"])
    findings.model(cast.project, "s1", {made[1].pk: Script(missed=[0, 1], alarms=[(FAR, 0.7)])}, tile=640)
    findings.model(cast.project, "s2", {made[1].pk: Script(taken={1: 0.9, 2: 0.9})})
    return made


def page(cast: Cast, query: str = "", **headers: str) -> str:
    answer = cast.client("ana").get(BASE + query, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_field_with_most_disagreement_comes_first(cast: Cast, fields: list[Field]) -> None:
    text = page(cast, "?a=s1&b=s2")
    assert "number 1 of" in text
    assert f">{fields[1].public_name}</a>, number 1" in re.sub(r"\s+", " ", text)
    assert 'rel="next"' in text
    assert 'rel="prev"' not in text
    assert fields[3].public_name not in text, "it is of another split"
    last = page(cast, f"?a=s1&b=s2&field={fields[2].code}")
    assert 'rel="prev"' in last
    assert 'rel="next"' not in last


def test_marks_tell_hits_misses_other_classes_and_false_alarms_by_shape_and_word(
    cast: Cast, fields: list[Field]
) -> None:
    text = re.sub(r"\s+", " ", page(cast, "?a=s1&b=s2"))
    assert "<strong>s1</strong>: 6 hits, 0 of another class, 2 missed, 1 false alarm" in text
    assert "<strong>s2</strong>: 6 hits, 2 of another class, 0 missed, 0 false alarms" in text
    assert text.count("<polygon") == 2, "one alarm, and the legend"
    assert "false alarm:" in text
    assert "taken for" in text
    uuids = list(Cell.objects.filter(reading=fields[1].current_reading).order_by("pk").values_list("uuid", flat=True))
    for uuid in uuids[:3]:
        assert f"?cell={uuid}" in text, "s1 and s2 differ on these three"
    assert f"?cell={uuids[4]}" not in text


def test_the_paired_differences_come_as_a_part_of_the_page_or_with_it(cast: Cast, fields: list[Field]) -> None:
    lazy = page(cast, "?a=s1&b=s2")
    assert "Interval</th>" not in lazy
    assert "part=differences" in lazy
    part = page(cast, "?a=s1&b=s2&part=differences", HX_Request="true")
    whole = page(cast, "?a=s1&b=s2&part=differences")
    for text in (part, whole):
        assert "Interval</th>" in text
        assert "+0.040" in text, "precision: 22 of 23, against 22 of 24"
        assert "too few to tell which is better" in text
    assert "<html" in whole
    assert "<html" not in part


def test_what_was_made_differently_is_listed(cast: Cast, fields: list[Field]) -> None:
    text = re.sub(r"\s+", " ", page(cast, "?a=s1&b=s2"))
    assert "<td>640 working pixels</td> <td>320 working pixels</td>" in text


def test_without_a_choice_the_two_newest_of_a_kind_are_compared(cast: Cast, fields: list[Field]) -> None:
    findings.model(cast.project, "t1")
    findings.model(cast.project, "t2")
    text = page(cast)
    assert text.count("<figcaption>") == 2
    assert "<strong>t2</strong>" in text
    assert "<strong>t1</strong>" in text
    assert "<strong>s1</strong>" in page(cast, "?a=s1")


def test_a_model_without_findings_still_has_its_figures_beside_the_other(cast: Cast, fields: list[Field]) -> None:
    rows.model(cast.project, "s3", metrics={"tuning": {"ap50": 0.321}}, card={})
    text = page(cast, "?a=s1&b=s3")
    assert "0.321" in text
    assert "what s3 found was not kept" in re.sub(r"\s+", " ", text)
    page(cast, "?a=s3&b=s1&part=differences")
    rows.model(cast.project, "s4", card={})
    page(cast, "?a=s3&b=s4&part=differences&split=test")


def test_models_of_other_classes_are_compared_on_those_of_the_first(cast: Cast, fields: list[Field]) -> None:
    coarse = findings.model(cast.project, "s5")
    coarse.classes = coarse.classes[::-1]
    coarse.save()
    assert "rolled up to" in page(cast, "?a=s1&b=s5&part=differences")


@pytest.mark.parametrize(
    "query",
    [
        "?a=s9&b=s9",
        "?a=s1&b=s1",
        "?split=x",
        "?field=x",
        "?a=s1&b=s2&field=%01",
        "?page=x&a=s1&b=s2",
        "?part=x",
        "?a=s1&b=s2&split=validation&part=differences",
        "?a=s1&b=s2&split=training",
        "?a=s1&b=s2&split=test&page=-3",
    ],
)
def test_no_address_is_an_error(cast: Cast, fields: list[Field], query: str) -> None:
    page(cast, query)


def test_the_page_asks_a_bounded_number_of_questions(
    cast: Cast, fields: list[Field], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = cast.client("ana")
    with django_assert_max_num_queries(16):
        client.get(BASE + "?a=s1&b=s2")
