"""All projects, the overview of one, and what a new round starts from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotation.actions.batches import Asked, open_batch, publish_batch
from annotation.actions.projects import create_project
from annotation.models import Case, Cell, Field, Membership, Prediction, Project, Provenance, Reading, Rejection, Role
from learning.figures.curve import curve_of
from learning.models import Round
from learning.states import RoundState, RunState, Step
from tests.cast import Cast
from tests.learning import rows

HOME, OVERVIEW, DEFAULTS = "/", "/projects/study/", "/projects/study/settings/rounds/"


def batch_of(cast: Cast, round_: Round, fields: list[Field]) -> None:
    asked = [Asked(field, 1.0, "because") for field in fields]
    batch = publish_batch(project=cast.project, number=round_.number, strategy="hybrid", seed=0, asked=asked)
    open_batch(batch=batch)
    Round.objects.filter(pk=round_.pk).update(batch=batch)


def steps(cast: Cast, who: str) -> list[tuple[str, str]]:
    answer = cast.client(who).get(OVERVIEW)
    assert answer.status_code == 200
    return [(step.action, step.address) for step in answer.context["steps"]]


# Projects


def test_a_person_sees_their_projects_alone(cast: Cast) -> None:
    other = create_project(name="Secret", key="secret")
    page = cast.client("ana").get(HOME)
    assert [row.project.key for row in page.context["rows"]] == ["study"]
    assert "Secret" not in page.content.decode()
    assert "Annotator" in page.content.decode()
    assert {row.project for row in cast.client("root").get(HOME).context["rows"]} == {cast.project, other}
    assert "You are in no project yet" in cast.client("otto").get(HOME).content.decode()


def test_a_project_says_how_far_it_is(cast: Cast) -> None:
    rows.reading(rows.field(cast.project), {"seg": 1})
    round_ = rows.round_of(cast.project, RoundState.RANKING)
    batch_of(cast, round_, [rows.field(cast.project), rows.field(cast.project)])
    page = cast.client("ana").get(HOME).content.decode()
    assert "1 of 3 fields labelled" in page
    assert "Batch 1 is open: 0 of 2 labelled" in page
    assert "ranking" in page


def test_many_projects_take_no_more_queries(cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(8):
        Membership.objects.create(project=rows.project(), user=cast.ana, role=Role.REVIEWER)
        rows.field(Project.objects.latest("pk"), ("training", "test")[number % 2])
    client = cast.client("ana")
    with django_assert_max_num_queries(11):
        client.get(HOME)


# What to do next


def test_an_empty_project_asks_for_images(cast: Cast) -> None:
    assert steps(cast, "lea") == [("Upload images", "/projects/study/data/")]
    assert steps(cast, "ana") == []
    assert "uploads them" in cast.client("ana").get(OVERVIEW).content.decode()


def test_who_is_alone_is_told_to_invite(cast: Cast) -> None:
    Membership.objects.exclude(user=cast.ada).delete()
    assert ("Invite people", "/projects/study/people/") in steps(cast, "ada")


def test_before_the_first_round(cast: Cast) -> None:
    rows.field(cast.project)
    assert steps(cast, "ana") == [("Choose one to label", "/projects/study/cases/?state=open")]
    assert steps(cast, "lea") == [("Start the first round", "/projects/study/rounds/new/")]


def test_while_a_batch_is_open(cast: Cast) -> None:
    first, second = rows.field(cast.project), rows.field(cast.project)
    batch_of(cast, rows.round_of(cast.project, RoundState.LABELLING), [first, second])
    assert steps(cast, "ana") == [("Label the next", "/projects/study/next/")]
    assert steps(cast, "lea") == []
    rows.reading(first, {"seg": 1})
    assert steps(cast, "lea") == [("Start round 2 with these", "/projects/study/rounds/new/")]
    rows.reading(second, {"seg": 1})
    assert steps(cast, "lea") == [("Start round 2", "/projects/study/rounds/new/")]
    assert steps(cast, "ana") == []


@pytest.mark.parametrize(
    ("state", "action"), [("training", "Watch it"), ("failed", "See why"), ("cancelled", "See why")]
)
def test_a_round_that_works_or_has_stopped(cast: Cast, state: str, action: str) -> None:
    rows.field(cast.project)
    rows.round_of(cast.project, state)
    assert steps(cast, "lea") == [(action, "/projects/study/rounds/1/")]


def test_a_reviewer_is_shown_the_cases_that_are_done(cast: Cast) -> None:
    case = Case.objects.create(project=cast.project, code="P1")
    field = rows.field(cast.project)
    Field.objects.filter(pk=field.pk).update(case=case)
    rows.reading(field, {"seg": 1})
    assert steps(cast, "rui") == [("Look at them", "/projects/study/cases/?state=labelled")]
    assert steps(cast, "ana") == []


# Figures


def test_classes_say_what_they_lack(cast: Cast) -> None:
    rows.reading(rows.field(cast.project), {"seg": 31, "blast": 4, "unsure": 2})
    rows.reading(rows.field(cast.project, "test"), {"blast": 40})
    table = {row.cell_class.key: row for row in cast.client("ana").get(OVERVIEW).context["classes"]}
    assert (table["seg"].total, table["seg"].missing) == (31, 0)
    assert (table["blast"].counts, table["blast"].missing) == ((4, 0, 0, 40), 26)
    assert table["unsure"].missing is None
    assert [row.depth for row in table.values()][:3] == [0, 1, 1]


def measured(ap50: float, ends: list[float] | None, cells: int) -> dict[str, Any]:
    figures = {"ap50": ap50, "intervals": {"ap50": ends}}
    return {"metrics": {"test": figures, "tuning": figures | {"ap50": 0.9}}, "card": {"cells": {"cell": cells}}}


def test_the_curve_shows_every_model_on_one_split(cast: Cast) -> None:
    rows.model(cast.project, "t1", **measured(0.5, [0.4, 0.6], 100))
    rows.model(cast.project, "s1", **measured(0.4, None, 100))
    rows.model(cast.project, "t2", accepted=False, **measured(0.3, [0.2, 0.4], 200))
    answer = cast.client("ana").get(OVERVIEW)
    curve = answer.context["curve"]
    assert [(point.label, point.cells, point.ap50, point.low) for point in curve.points] == [
        ("t1", 100, 0.5, 0.4),
        ("s1", 100, 0.4, None),
        ("t2", 200, 0.3, 0.2),
    ]
    assert curve.split == "test"
    first, _, last = curve.marks
    assert first.x < last.x
    assert first.y < last.y  # pixels grow downwards
    assert "too few cases" in answer.content.decode()


def test_without_a_model_the_page_says_when_the_curve_begins(cast: Cast) -> None:
    rows.model(cast.project, "t1")
    answer = cast.client("ana").get(OVERVIEW)
    assert answer.context["curve"] is None
    assert "The curve begins with the first round" in answer.content.decode()
    assert curve_of([]) is None


def test_effort_counts_what_became_of_predictions(cast: Cast) -> None:
    field = rows.field(cast.project)
    batch_of(cast, rows.round_of(cast.project, RoundState.LABELLING), [field])
    made = rows.reading(field, {"seg": 6})
    pks = list(made.cells.values_list("pk", flat=True))
    Cell.objects.filter(pk__in=pks[:3]).update(provenance=Provenance.ACCEPTED)
    Cell.objects.filter(pk__in=pks[3:5]).update(provenance=Provenance.CORRECTED)
    Cell.objects.filter(pk__in=pks[5:]).update(provenance=Provenance.DRAWN)
    Cell.objects.filter(pk=pks[0]).update(deleted_at=timezone.now())
    seg = cast.project.classes.get(key="seg")
    for withdrawn in (None, timezone.now()):
        prediction = Prediction.objects.create(
            field=field, model_id=1, model_label="s1", cell_class=seg, kind="circle", points=[50, 50, 9], score=0.5
        )
        Rejection.objects.create(reading=made, prediction=prediction, withdrawn_at=withdrawn)
    (effort,) = cast.client("ana").get(OVERVIEW).context["effort"]
    assert (effort.number, effort.fields) == (1, 1)
    assert (effort.accepted, effort.corrected, effort.drawn, effort.rejected) == (2, 2, 1, 1)


# The round that is at work


def test_a_working_round_is_polled_until_it_ends(cast: Cast) -> None:
    round_ = rows.round_of(cast.project, RoundState.TRAINING)
    progress = {"doing": "training", "done": 2, "total": 5}
    lease = timezone.now() + timedelta(minutes=1)
    rows.run_of(
        cast.project, Step.TRAIN, round_, state=RunState.RUNNING, attempt=1, progress=progress, lease_until=lease
    )
    page = cast.client("ana").get(OVERVIEW).content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert "training 2 of 5" in page
    part = cast.client("ana").get(OVERVIEW, {"part": "round-now"}, headers={"HX-Request": "true"})
    assert part.content.decode().strip().startswith("<section")
    assert "HX-Refresh" not in part.headers
    Round.objects.filter(pk=round_.pk).update(state=RoundState.LABELLING)
    ended = cast.client("ana").get(OVERVIEW, {"part": "round-now"}, headers={"HX-Request": "true"})
    assert ended["HX-Refresh"] == "true"
    assert "every 2s" not in ended.content.decode()


def test_an_outsider_sees_nothing(cast: Cast) -> None:
    assert cast.client("otto").get(OVERVIEW).status_code == 404
    assert cast.client("otto").get(DEFAULTS).status_code == 404
    assert cast.client("nobody").get(HOME)["Location"] == "/sign-in/?next=/"


def test_its_queries_do_not_grow(cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(1, 6):
        fields = [rows.field(cast.project) for _ in range(4)]
        batch_of(cast, rows.round_of(cast.project, RoundState.LABELLING), fields)
        for field in fields[:3]:
            rows.reading(field, {"seg": 1, "blast": 1})
        rows.model(cast.project, f"t{number}", **measured(0.1 * number, None, number))
    client = cast.client("ada")
    with django_assert_max_num_queries(32):
        client.get(OVERVIEW)


# Round defaults


def round_form(cast: Cast) -> dict[str, str]:
    form = cast.client("lea").get(DEFAULTS).context["form"]
    return {name: str(form[name].value()) for name in form.fields}


def test_an_engineer_sets_what_a_round_starts_from(cast: Cast) -> None:
    given = round_form(cast) | {"budget": "7", "min_cells": "12"}
    assert cast.client("lea").post(DEFAULTS, given).status_code == 302
    kept = Project.objects.get(pk=cast.project.pk).round_defaults
    assert (kept["budget"], kept["min_cells"]) == (7, 12)
    assert cast.client("ana").get(OVERVIEW).context["least"] == 12
    words = {word.name: word.value for word in cast.client("ana").get(DEFAULTS).context["words"]}
    assert words["budget"] == "7"


@pytest.mark.parametrize("given", [{"budget": "0"}, {"tile": "33"}, {"strategy": "luck"}, {"teacher": "yolo99"}])
def test_defaults_that_no_round_can_have_are_refused(cast: Cast, given: dict[str, str]) -> None:
    answer = cast.client("lea").post(DEFAULTS, round_form(cast) | given)
    assert answer.status_code == 422
    assert "fault" in answer.content.decode()
    assert Project.objects.get(pk=cast.project.pk).round_defaults == {}


def test_an_annotator_does_not_set_them(cast: Cast) -> None:
    assert cast.client("ana").post(DEFAULTS, {"budget": "7"}).status_code == 403


def test_a_reading_that_is_begun_is_gone_on_with(cast: Cast) -> None:
    field = rows.field(cast.project)
    Reading.objects.create(field=field, author=cast.ana, source="drawn")
    assert steps(cast, "ana") == [("Go on with it", f"/projects/study/fields/{field.code}/")]
