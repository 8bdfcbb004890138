"""Fields that are read without predictions: which ones, who is kept from seeing what, and until when."""

from __future__ import annotations

from uuid import uuid4

import pytest

from annotation.access import may_see_predictions
from annotation.actions.readings import open_reading, reopen_reading, submit_reading
from annotation.actions.saving import CellEdit, RejectionEdit, save_changes
from annotation.blinding import is_chosen
from annotation.models import Event, Field, Prediction, Project
from tests.cast import Cast
from tests.learning import rows


def predicted(field: Field) -> Prediction:
    model = field.project.models.first() or rows.model(field.project, "s1")
    return Prediction.objects.create(
        field=field,
        model_id=model.pk,
        model_label=model.label,
        cell_class=field.project.classes.get(key="seg"),
        kind="circle",
        points=[50.0, 50.0, 12.0],
        score=0.9,
    )


@pytest.fixture
def field(cast: Cast) -> Field:
    """One that is read blind, with a prediction."""
    Project.objects.filter(pk=cast.project.pk).update(blind_share=1.0)
    cast.project.refresh_from_db()
    made = rows.field(cast.project)
    predicted(made)
    return made


def suggested(cast: Cast, who: str, field: Field) -> tuple[int, bool, int]:
    """How many predictions the three addresses of the API give away, and whether they say that some are hidden."""
    client, address = cast.client(who), f"/api/projects/study/fields/{field.code}"
    whole = client.get(f"{address}/workbench/").json()
    alone = client.get(f"{address}/predictions/").json()
    newest = client.get(f"{address}/predictions/?newest=1").json()
    model = client.get(f"{address}/suggested/").json()
    hidden = {one["predictions_hidden"] for one in (whole, alone, newest, model)}
    assert len(hidden) == 1
    named = sum(one["model"] is not None for one in (whole, alone, newest, model))
    return len(whole["predictions"]) + len(alone["predictions"]) + len(newest["predictions"]), hidden.pop(), named


def test_the_choice_is_a_share_and_stays(cast: Cast) -> None:
    codes = [f"F{number:05}" for number in range(4000)]
    tenth = {code for code in codes if is_chosen(1, code, 0.1)}
    assert 320 < len(tenth) < 480
    assert tenth == {code for code in codes if is_chosen(1, code, 0.1)}
    assert tenth < {code for code in codes if is_chosen(1, code, 0.3)}
    assert tenth != {code for code in codes if is_chosen(2, code, 0.1)}
    assert not any(is_chosen(1, code, 0) for code in codes)
    assert all(is_chosen(1, code, 1) for code in codes)


def test_the_api_gives_nothing_away_before_the_reader_is_done(cast: Cast, field: Field) -> None:
    assert suggested(cast, "ana", field) == (0, True, 0)
    reading = open_reading(field=field, actor=cast.ana)
    assert reading.blind
    assert suggested(cast, "ana", field) == (0, True, 0)
    asked = cast.client("ana").post(f"/api/projects/study/fields/{field.code}/predict/")
    assert asked.status_code == 422
    assert "without" in asked.json()["message"]
    submit_reading(reading=reading, exhaustive=True, actor=cast.ana)
    assert suggested(cast, "ana", field) == (3, False, 4)
    reading.refresh_from_db()
    assert reading.blind
    assert reading.unblinded_at is not None


def test_engineers_do_not_read_and_see_them(cast: Cast, field: Field) -> None:
    assert suggested(cast, "lea", field)[1] is False


def test_a_second_reader_is_blind_too_while_nothing_is_current(cast: Cast, field: Field) -> None:
    open_reading(field=field, actor=cast.ana)
    assert suggested(cast, "rui", field)[0] == 0
    assert open_reading(field=field, actor=cast.rui, steal=True).blind


def test_who_comes_after_a_reading_is_current_sees_them_and_is_no_blind_reader(cast: Cast, field: Field) -> None:
    submit_reading(reading=open_reading(field=field, actor=cast.ana), exhaustive=True, actor=cast.ana)
    assert suggested(cast, "rui", field)[0] == 3
    assert not open_reading(field=field, actor=cast.rui).blind


def test_a_prediction_cannot_be_guessed_into_a_blind_reading(cast: Cast, field: Field) -> None:
    reading = open_reading(field=field, actor=cast.ana)
    prediction = field.predictions.get()
    edits: list[CellEdit | RejectionEdit] = [
        CellEdit(uuid4(), 0, prediction.cell_class.number, prediction.shape, {}, prediction=prediction.pk),
        RejectionEdit(prediction.pk, rejected=True),
    ]
    saved = save_changes(reading=reading, edits=edits, actor=cast.ana)
    assert [one.status for one in saved] == ["refused", "refused"]
    assert all("hidden" in one.message for one in saved)


def test_a_second_pass_is_not_blind_again(cast: Cast, field: Field) -> None:
    reading = open_reading(field=field, actor=cast.ana)
    submit_reading(reading=reading, exhaustive=True, actor=cast.ana)
    again = reopen_reading(reading=reading, reason="forgot one", actor=cast.ana)
    assert again.blind
    assert not again.is_blind
    assert may_see_predictions(cast.ana, field)


def test_a_reading_stays_what_it_was_begun_as(cast: Cast, field: Field) -> None:
    reading = open_reading(field=field, actor=cast.ana)
    Project.objects.update(blind_share=0.0)
    assert suggested(cast, "ana", field)[0] == 0
    assert Event.objects.get(reading=reading, verb="opened").after == {
        "state": "open",
        "exhaustive": False,
        "blind": True,
    }
    other = rows.field(cast.project)
    predicted(other)
    opened = open_reading(field=Field.objects.get(pk=other.pk), actor=cast.ana)
    Project.objects.update(blind_share=1.0)
    assert not opened.blind
    assert suggested(cast, "ana", other)[0] == 3
