"""The scale of a field, set by a length that is known."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from annotation.actions.calibrating import calibrate_field
from annotation.errors import Refused
from annotation.models import Case, Event, Field, Slide
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def slide(cast: Cast) -> Slide:
    case = Case.objects.create(project=cast.project, code="P1")
    return Slide.objects.create(case=case, code="A")


def test_a_known_length_sets_the_scale_and_is_on_record(cast: Cast) -> None:
    field = rows.field(cast.project)
    answer = cast.client("rui").post(
        f"/api/projects/study/fields/{field.code}/scale/", {"pixels": 250, "um": 20}, content_type="application/json"
    )
    assert answer.json() == {"um_per_px": 0.08, "changed": 1}
    field.refresh_from_db()
    assert (field.um_per_px, field.um_source) == (0.08, "calibrated")
    event = Event.objects.get(verb="scale calibrated")
    assert event.actor == cast.rui
    assert event.before == {"field": field.code, "um_per_px": None, "um_source": ""}
    assert event.after is not None
    assert (event.after["pixels"], event.after["um"]) == (250, 20)


def test_the_same_again_is_no_second_record(cast: Cast) -> None:
    field = rows.field(cast.project)
    for _ in range(2):
        calibrate_field(field=field, pixels=100, um=10, whole_slide=False, actor=cast.rui)
    assert Event.objects.filter(verb="scale calibrated").count() == 1


def test_the_whole_slide_takes_it_and_no_other(cast: Cast, slide: Slide) -> None:
    fields = [rows.field(cast.project) for _ in range(3)]
    Field.objects.filter(pk__in=[fields[0].pk, fields[1].pk]).update(slide=slide)
    one = Field.objects.get(pk=fields[0].pk)
    assert len(calibrate_field(field=one, pixels=100, um=10, whole_slide=True, actor=cast.rui)) == 2
    assert [row.um_per_px for row in Field.objects.order_by("pk")] == [0.1, 0.1, None]


@pytest.mark.parametrize(
    ("pixels", "um", "words"),
    [(5.0, 1.0, "at least 10 pixels"), (100.0, 0.0, "at least"), (100.0, 5000.0, "cannot be"), (1e9, 1.0, "cannot be")],
)
def test_a_length_that_cannot_be_is_refused(cast: Cast, pixels: float, um: float, words: str) -> None:
    field = rows.field(cast.project)
    with pytest.raises(Refused, match=words):
        calibrate_field(field=field, pixels=pixels, um=um, whole_slide=False, actor=cast.rui)
    with pytest.raises(Refused, match="no slide"):
        calibrate_field(field=field, pixels=100, um=10, whole_slide=True, actor=cast.rui)


def test_annotators_and_engineers_do_not_set_it(cast: Cast) -> None:
    field = rows.field(cast.project)
    for actor in (cast.ana, cast.lea):
        with pytest.raises(PermissionDenied):
            calibrate_field(field=field, pixels=100, um=10, whole_slide=False, actor=actor)
