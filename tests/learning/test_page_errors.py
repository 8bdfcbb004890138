"""The page of a model's errors: what is listed, for which splits, with a crop and a way to the cell."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from annotation.models import Cell, Field
from tests.cast import Cast
from tests.learning import findings
from tests.learning.findings import Script

pytestmark = pytest.mark.django_db

BASE = "/projects/study/models/s1/errors/"
FAR = (150.0, 150.0, 170.0, 170.0)


@pytest.fixture
def fields(cast: Cast, home: Path) -> dict[str, Field]:
    """One field of each split; s1 makes the same four mistakes on each."""
    splits = ("training", "validation", "tuning", "test")
    made = dict(zip(splits, findings.fields(cast.project, splits), strict=True))
    script = Script(missed=[5], taken={2: 0.95}, alarms=[(FAR, 0.8)])
    findings.model(cast.project, "s1", {field.pk: script for field in made.values()})
    return made


def page(cast: Cast, query: str = "", who: str = "ana") -> str:
    answer = cast.client(who).get(BASE + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_errors_are_of_tuning_unless_another_split_is_asked_for(cast: Cast, fields: dict[str, Field]) -> None:
    text = page(cast)
    assert fields["tuning"].code in text
    assert not any(fields[split].code in text for split in ("training", "validation", "test"))
    text = page(cast, "?kind=missed&split=test")
    assert fields["test"].code in text
    assert "choose no setting and change no label" in text
    assert all(field.code in page(cast, "?split=all") for field in fields.values())


@pytest.mark.parametrize("query", ["?kind=fault", "?kind=fault&split=test", "?kind=fault&split=all"])
def test_labels_of_test_are_never_suspected(cast: Cast, fields: dict[str, Field], query: str) -> None:
    text = page(cast, query)
    assert fields["test"].code not in text
    assert "Test fields are not listed" in text
    assert "Label missing?" in text
    assert "Other class?" in text
    assert all(fields[split].code in text for split in ("training", "validation", "tuning"))


def test_each_leads_to_the_cell_in_the_workbench(cast: Cast, fields: dict[str, Field]) -> None:
    tuning = fields["tuning"]
    uuids = list(Cell.objects.filter(reading=tuning.current_reading).order_by("pk").values_list("uuid", flat=True))
    workbench = f"/projects/study/fields/{tuning.code}/"
    assert f"{workbench}?at=160,160,10" in page(cast, "?kind=false-alarm")
    assert f"{workbench}?cell={uuids[5]}" in page(cast, "?kind=missed")
    assert f"{workbench}?cell={uuids[2]}" in page(cast, "?kind=confused")


def test_a_pair_of_the_confusion_matrix_is_listed_alone(cast: Cast, fields: dict[str, Field]) -> None:
    assert "Other class in" in page(cast, "?kind=confused&truth=seg&found=myc")
    assert "None of this kind with these classes" in page(cast, "?kind=confused&truth=myc&found=seg")
    assert "None of this kind with these classes" in page(cast, "?kind=missed&cls=myc")
    assert "Missed in" in page(cast, "?kind=missed&cls=seg")


def test_what_became_of_a_label_since_is_said(cast: Cast, fields: dict[str, Field]) -> None:
    cells = list(Cell.objects.filter(reading=fields["tuning"].current_reading).order_by("pk"))
    assert "since." not in page(cast, "?kind=missed")
    Cell.objects.filter(pk=cells[5].pk).update(deleted_at=timezone.now())
    assert "taken away since" in page(cast, "?kind=missed")
    other = cast.project.classes.get(key="myc")
    Cell.objects.filter(pk=cells[2].pk).update(cell_class=other)
    assert "class was changed since" in page(cast, "?kind=confused")


@pytest.mark.parametrize(
    "query",
    [
        "?kind=x",
        "?split=x",
        "?cls=x&truth=y&found=z",
        "?page=x",
        "?page=-4",
        "?page=99",
        "?kind=fault&split=test",
        "?kind=%01&split=%ff",
        "?kind=missed&kind=fault",
    ],
)
def test_no_address_is_an_error(cast: Cast, fields: dict[str, Field], query: str) -> None:
    page(cast, query)


def test_the_crop_is_a_small_picture_kept_by_the_browser_alone(cast: Cast, fields: dict[str, Field]) -> None:
    client = cast.client("ana")
    for table in ("found", "label"):
        answer = client.get(f"{BASE}{table}/3.jpg")
        content = answer.getvalue()
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["Cache-Control"].startswith("private")
        assert Image.open(io.BytesIO(content)).size == (160, 160)
    for gone in ("found/99999.jpg", "label/99999.jpg", "label/99999999999999999999.jpg"):
        assert client.get(BASE + gone).status_code == 404
    assert cast.client("otto").get(f"{BASE}found/3.jpg").status_code == 404
    assert cast.client("nobody").get(f"{BASE}found/3.jpg").status_code == 302


def test_pages_go_on_without_asking_more(
    cast: Cast, home: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    made = findings.fields(cast.project, ["tuning"] * 8)
    script = Script(missed=range(4))
    findings.model(cast.project, "s1", {field.pk: script for field in made})
    first, second = page(cast, "?kind=missed"), page(cast, "?kind=missed&page=2")
    assert (first.count("card-error"), second.count("card-error")) == (24, 8)
    assert "kind=missed&amp;page=2" in first or "kind=missed&page=2" in first
    client = cast.client("ana")
    with django_assert_max_num_queries(12):
        client.get(BASE + "?kind=missed")


def test_a_field_that_is_gone_is_left_out(cast: Cast, fields: dict[str, Field]) -> None:
    fields["tuning"].readings.all().delete()
    fields["tuning"].delete()
    assert "card-error" not in page(cast)
    assert cast.client("ana").get(f"{BASE}found/16.jpg").status_code == 404
