"""Cases as a work list, one case with its differential, and signing off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotation.actions.signing import sign_off_case, sign_off_reading, take_back_sign_off
from annotation.counting import differential, wilson
from annotation.errors import Refused
from annotation.models import Case, Cell, Event, Field, Reading, ReadingState, Slide, Source
from annotation.tallies import tally
from tests.cast import Cast
from tests.learning import rows

CASES = "/projects/study/cases/"


def case_of(cast: Cast, code: str, *, fields: int = 2, split: str = "training", stain: str = "") -> Case:
    case = Case.objects.create(project=cast.project, code=code)
    slide = Slide.objects.create(case=case, code=f"{code}-a", stain=stain)
    for _ in range(fields):
        made = rows.field(cast.project, split)
        Field.objects.filter(pk=made.pk).update(case=case, slide=slide, original_name=f"Mrs Grey {made.code}.png")
    return case


def label(case: Case, cells: dict[str, int], *, fields: int = 99, exhaustive: bool = True) -> list[Reading]:
    chosen = case.fields.select_related("project").order_by("pk")[:fields]
    return [rows.reading(field, cells, exhaustive=exhaustive) for field in chosen]


def shown(cast: Cast, **query: str) -> list[str]:
    answer = cast.client("ana").get(CASES, query)
    assert answer.status_code == 200
    return [row["case"].code for row in answer.context["rows"]]


def test_the_list_is_found_filtered_and_sorted(cast: Cast) -> None:
    label(case_of(cast, "P2"), {"seg": 1})
    label(case_of(cast, "P10", stain="MGG"), {"seg": 1}, fields=1)
    test = case_of(cast, "Q1", split="test", fields=3)
    assert shown(cast) == ["P2", "Q1", "P10"]
    assert shown(cast, q="p1") == ["P10"]
    assert shown(cast, q=str(test.fields.values_list("code", flat=True)[0])) == ["Q1"]
    assert shown(cast, q="q1-A") == ["Q1"]
    assert shown(cast, split="test") == ["Q1"]
    assert shown(cast, split="held_out") == ["Q1"]
    assert shown(cast, state="open") == ["Q1", "P10"]
    assert shown(cast, state="labelled") == ["P2"]
    assert shown(cast, state="partly", stain="MGG") == ["P10"]
    assert shown(cast, state="signed_off") == []
    assert shown(cast, sort="open") == ["Q1", "P10", "P2"]
    assert shown(cast, split="nonsense", state="nonsense", sort="nonsense", page="nonsense") == ["P2", "Q1", "P10"]


def test_an_outsider_sees_nothing(cast: Cast) -> None:
    case = case_of(cast, "P1")
    assert cast.client("otto").get(CASES).status_code == 404
    assert cast.client("otto").get(f"{CASES}{case.pk}/").status_code == 404
    assert cast.client("nobody").get(CASES).status_code == 302


def test_a_case_of_another_project_is_not_there(cast: Cast) -> None:
    other = Case.objects.create(project=rows.project(), code="P1")
    assert cast.client("ana").get(f"{CASES}{other.pk}/").status_code == 404
    assert cast.client("ana").get(f"{CASES}{10**30}/").status_code == 404


def test_the_differential_counts_what_is_counted(cast: Cast) -> None:
    case = case_of(cast, "P1", fields=1)
    label(case, {"seg": 6, "blast": 1, "polyery": 3, "smudge": 2, "unsure": 1, "mega": 1})
    answer = cast.client("ana").get(f"{CASES}{case.pk}/")
    found = answer.context["counts"]["differential"]
    assert (found.counted, found.total, found.myeloid, found.erythroid, found.ratio) == (10, 14, 6, 3, 2.0)
    assert {row.cell_class.key: row.share and row.share.percent for row in found.rows} == {
        "blast": 10.0,
        "seg": 60.0,
        "polyery": 30.0,
        "mega": None,
        "smudge": None,
        "unsure": None,
    }
    assert found.spoilt.count == 2
    assert "no diagnosis" in answer.content.decode()


def test_without_erythroid_cells_there_is_no_ratio(cast: Cast) -> None:
    classes = list(cast.project.classes.all())
    seg = next(row for row in classes if row.key == "seg")
    assert differential({seg.number: 3}, classes).ratio is None
    assert differential({}, classes).blasts is None


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 100, 0.0215, 0.1118), (100, 500, 0.1673, 0.2373), (0, 0, 0, 1)],
)
def test_intervals_are_wilsons(count: int, of: int, low: float, high: float) -> None:
    assert wilson(count, of) == pytest.approx((low, high), abs=1e-4)


def test_fields_without_a_case_are_listed_together(cast: Cast) -> None:
    field = rows.field(cast.project)
    rows.reading(field, {"seg": 1})
    assert "No case named" in cast.client("ana").get(CASES).content.decode()
    answer = cast.client("ana").get(f"{CASES}0/")
    assert field.code in answer.content.decode()
    assert answer.context["counts"] is None


def test_sealed_labels_do_not_show(cast: Cast) -> None:
    case = case_of(cast, "P1", fields=1)
    field = case.fields.select_related("project").get()
    sealed = rows.reading(field, {"seg": 7}, source=Source.ORACLE, state=ReadingState.SEALED)
    answer = cast.client("rui").get(f"{CASES}{case.pk}/")
    assert answer.context["counts"]["differential"].total == 0
    assert shown(cast, state="unlabelled") == ["P1"]
    assert tally(cast.project).whole.objects == 0
    signing = cast.client("rui").post(f"/projects/study/fields/{field.code}/sign-off/", {"reading": sealed.pk})
    assert signing.status_code == 404


@pytest.mark.parametrize(("who", "sees"), [("ana", False), ("lea", False), ("rui", True), ("ada", True)])
def test_original_names_are_for_reviewers_and_administrators(cast: Cast, who: str, sees: bool) -> None:
    case = case_of(cast, "P1")
    assert ("Mrs Grey" in cast.client(who).get(f"{CASES}{case.pk}/").content.decode()) is sees


def test_a_reviewer_signs_off_a_field_and_takes_it_back(cast: Cast) -> None:
    (reading,) = label(case_of(cast, "P1", fields=1), {"seg": 1})
    address, client = f"/projects/study/fields/{reading.field.code}", cast.client("rui")
    answer = client.post(f"{address}/sign-off/", {"reading": reading.pk})
    assert answer["Location"].endswith(f"#{reading.field.code}")
    reading.refresh_from_db()
    assert (reading.state, reading.signed_off_by, reading.signed_off_at is not None) == ("signed_off", cast.rui, True)
    again = client.post(f"{address}/sign-off/", {"reading": reading.pk})
    assert (again.status_code, "waits for no sign-off" in again.content.decode()) == (422, True)
    silent = client.post(f"{address}/take-back/", {"reading": reading.pk, "reason": " "})
    assert (silent.status_code, "Say why" in silent.content.decode()) == (422, True)
    client.post(f"{address}/take-back/", {"reading": reading.pk, "reason": "a blast was missed"})
    reading.refresh_from_db()
    assert (reading.state, reading.signed_off_by) == ("submitted", None)
    event = Event.objects.get(reading=reading, verb="sign-off taken back")
    assert (event.after, event.actor) == ({"reason": "a blast was missed"}, cast.rui)


@pytest.mark.parametrize("who", ["ana", "lea"])
def test_who_does_not_review_signs_nothing(cast: Cast, who: str) -> None:
    case = case_of(cast, "P1", fields=1)
    (reading,) = label(case, {"seg": 1})
    address = f"/projects/study/fields/{reading.field.code}/sign-off/"
    assert cast.client(who).post(address, {"reading": reading.pk}).status_code == 403
    assert cast.client(who).post(f"{CASES}{case.pk}/sign-off/").status_code == 403
    assert "Sign off" not in cast.client(who).get(f"{CASES}{case.pk}/").content.decode()


@pytest.mark.parametrize("sent", [{}, {"reading": ""}, {"reading": "x"}, {"reading": "9" * 40}, {"reading": "²"}])
def test_a_form_that_names_no_reading_finds_none(cast: Cast, sent: dict[str, str]) -> None:
    (reading,) = label(case_of(cast, "P1", fields=1), {"seg": 1})
    address = f"/projects/study/fields/{reading.field.code}/sign-off/"
    assert cast.client("rui").post(address, sent).status_code == 404


def test_only_the_current_reading_can_be_signed(cast: Cast) -> None:
    (old,) = label(case_of(cast, "P1", fields=1), {"seg": 1})
    rows.reading(old.field, {"seg": 2})
    with pytest.raises(Refused, match="waits for no sign-off"):
        sign_off_reading(reading=old, actor=cast.rui)
    old.refresh_from_db()
    assert old.state == ReadingState.SUBMITTED


def test_a_case_is_signed_off_as_it_was_looked_at(cast: Cast) -> None:
    case = case_of(cast, "P1", fields=3)
    seen, late = label(case, {"seg": 1}, fields=2)
    looked = timezone.now()
    Reading.objects.filter(pk=seen.pk).update(submitted_at=looked - timedelta(minutes=1))
    Reading.objects.filter(pk=late.pk).update(submitted_at=looked + timedelta(minutes=1))
    done = sign_off_case(case=case, until=looked, actor=cast.rui)
    assert (done.signed, done.newer) == (1, 1)
    with pytest.raises(Refused, match="after you opened the page"):
        sign_off_case(case=case, until=looked, actor=cast.rui)
    assert sign_off_case(case=case, until=looked + timedelta(hours=1), actor=cast.rui).signed == 1
    with pytest.raises(Refused, match="No labelled field"):
        sign_off_case(case=case, until=looked + timedelta(hours=1), actor=cast.rui)
    assert Event.objects.filter(verb="signed off").count() == 2


def test_the_button_of_the_case_signs_all_that_the_page_showed(cast: Cast) -> None:
    case = case_of(cast, "P1")
    label(case, {"seg": 1})
    client = cast.client("rui")
    until = client.get(f"{CASES}{case.pk}/").context["until"]
    client.post(f"{CASES}{case.pk}/sign-off/", {"until": until})
    assert shown(cast, state="signed_off") == ["P1"]
    again = client.post(f"{CASES}{case.pk}/sign-off/", {"until": "yesterday"})
    assert (again.status_code, "No labelled field" in again.content.decode()) == (422, True)


def test_a_signed_reading_stays_current_after_a_later_import(cast: Cast) -> None:
    from annotation.actions.readings import choose_current

    (reading,) = label(case_of(cast, "P1", fields=1), {"seg": 1})
    sign_off_reading(reading=reading, actor=cast.rui)
    rows.reading(reading.field, {"seg": 2})
    assert choose_current(reading.field) == reading
    take_back_sign_off(reading=reading, reason="wrong", actor=cast.rui)
    reading.field.refresh_from_db()
    assert reading.field.current_reading != reading


def test_counts_follow_a_change_of_readings(cast: Cast) -> None:
    case = case_of(cast, "P1", fields=1)
    (reading,) = label(case, {"seg": 3})
    assert tally(cast.project).whole.objects == 3
    cell = reading.cells.latest("pk")
    Cell.objects.filter(pk=cell.pk).update(deleted_at=timezone.now())
    Reading.objects.filter(pk=reading.pk).update(submitted_at=timezone.now())  # as after it was opened again
    assert tally(cast.project).whole.objects == 2
    rows.reading(reading.field, {"seg": 1, "blast": 1})
    assert tally(cast.project).of("training").objects == 2
    assert tally(cast.project).of("training").labelled_cases == 1


def test_their_queries_do_not_grow_with_their_length(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        label(case_of(cast, f"P{number}", fields=3), {"seg": 1})
    client = cast.client("rui")
    with django_assert_max_num_queries(13):
        client.get(CASES)
    with django_assert_max_num_queries(17):
        client.get(f"{CASES}{Case.objects.latest('pk').pk}/")


@pytest.mark.parametrize("until", ["", "yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_is_none_signs_nothing(cast: Cast, until: str) -> None:
    case = case_of(cast, "P1")
    label(case, {"seg": 1})
    Reading.objects.update(submitted_at=timezone.now())
    assert cast.client("rui").post(f"{CASES}{case.pk}/sign-off/", {"until": until}).status_code == 422
    assert not Reading.objects.filter(state=ReadingState.SIGNED_OFF).exists()
