"""The report of a round: what became of its predictions, the time it took, and whether readers follow the model."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import pytest
from django.utils import timezone

from annotation.actions.readings import open_reading, submit_reading
from annotation.actions.saving import CellEdit, Edit, RejectionEdit, save_changes
from annotation.models import Batch, BatchField, CellClass, Event, Field, Prediction, Project
from annotation.shapes import Shape
from learning.effort.anchoring import FieldCounts, Placed, compare, counts_of
from learning.effort.report import report_of
from learning.models import Round
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def round_(cast: Cast) -> Round:
    """In labelling, with a batch of three fields that s1 has predicted five cells on."""
    model = rows.model(cast.project, "s1")
    batch = Batch.objects.create(project=cast.project, number=1, strategy="random", opened_at=timezone.now())
    made = rows.round_of(cast.project, "labelling")
    Round.objects.filter(pk=made.pk).update(batch=batch)
    classes = {row.key: row for row in cast.project.classes.all()}
    for rank in range(1, 4):
        field = rows.field(cast.project)
        BatchField.objects.create(batch=batch, field=field, rank=rank, score=1.0, reason="by chance")
        for index, (key, score) in enumerate((("seg", 0.9), ("seg", 0.8), ("lym", 0.7), ("myc", 0.6), ("myc", 0.2))):
            Prediction.objects.create(
                field=field,
                model_id=model.pk,
                model_label="s1",
                cell_class=classes[key],
                kind="circle",
                points=[20.0 + 35 * index, 40.0, 12.0],
                score=score,
            )
    made.refresh_from_db()
    return made


def fields(round_: Round) -> list[Field]:
    return list(Field.objects.filter(batch_fields__batch=round_.batch_id).order_by("pk"))


def number(cast: Cast, key: str) -> int:
    return CellClass.objects.get(project=cast.project, key=key).number


def label(cast: Cast, field: Field) -> None:
    """One of each: accepted, moved, relabelled, rejected, not answered, added; 16.5 s of work."""
    seg, moved, lym, myc, _ = field.predictions.order_by("pk")
    dx = moved.shape.points
    away = Shape("circle", (dx[0] + 3, *dx[1:]))
    reading = open_reading(field=field, actor=cast.ana)
    drawn = uuid4()
    edits: list[Edit] = [
        CellEdit(uuid4(), 0, number(cast, "seg"), seg.shape, {}, seg.pk, seconds=1.0),
        CellEdit(uuid4(), 0, number(cast, "seg"), away, {}, moved.pk, seconds=3.0),
        CellEdit(uuid4(), 0, number(cast, "plasma"), lym.shape, {}, lym.pk, seconds=2.0),
        RejectionEdit(myc.pk, rejected=True, seconds=0.5),
        CellEdit(drawn, 0, number(cast, "eos"), Shape("circle", (100.0, 150.0, 10.0)), {}, seconds=4.0),
        CellEdit(drawn, 1, number(cast, "eos"), Shape("circle", (101.0, 150.0, 10.0)), {}, seconds=6.0),
    ]
    saved = save_changes(reading=reading, edits=edits, actor=cast.ana)
    assert [one.status for one in saved] == ["saved"] * 6
    submit_reading(reading=reading, exhaustive=True, actor=cast.ana)


def test_what_became_of_predictions_is_told_by_class(cast: Cast, round_: Round) -> None:
    label(cast, fields(round_)[0])
    report = report_of(round_)
    found = {
        row.name: (row.accepted, row.moved, row.relabelled, row.rejected, row.unanswered, row.added, row.seconds)
        for row in report.classes
    }
    assert found == {
        "Segmented neutrophil": (1, 1, 0, 0, 0, 0, 4.0),
        "Lymphocyte": (0, 0, 1, 0, 0, 0, 2.0),
        "Myelocyte": (0, 0, 0, 1, 0, 0, 0.5),
        "Eosinophil": (0, 0, 0, 0, 0, 1, 10.0),
    }
    assert (report.readings, report.blind) == (1, 0)


def test_active_seconds_are_summed_for_each_object(cast: Cast, round_: Round) -> None:
    label(cast, fields(round_)[0])
    times = {row.kind: (row.objects, row.timed, row.median, row.total) for row in report_of(round_).times}
    assert times == {
        "circle": (1, 1, 10.0, 10.0),
        "accepted": (1, 1, 1.0, 1.0),
        "correction": (2, 2, 2.5, 5.0),
        "rejection": (1, 1, 0.5, 0.5),
    }


def test_the_same_change_twice_is_timed_once(cast: Cast, round_: Round) -> None:
    reading = open_reading(field=fields(round_)[0], actor=cast.ana)
    edit = CellEdit(uuid4(), 0, number(cast, "seg"), Shape("circle", (100.0, 150.0, 10.0)), {}, seconds=4.0)
    for _ in range(2):
        save_changes(reading=reading, edits=[edit], actor=cast.ana)
    assert list(Event.objects.filter(cell__isnull=False).values_list("seconds", flat=True)) == [4.0]


def test_what_is_shown_and_not_answered_is_told(cast: Cast, round_: Round) -> None:
    reading = open_reading(field=fields(round_)[0], actor=cast.ana)
    submit_reading(reading=reading, exhaustive=False, actor=cast.ana)
    # Of the two myelocytes one lies below the model's threshold.
    assert {row.name: row.unanswered for row in report_of(round_).classes} == {
        "Segmented neutrophil": 2,
        "Lymphocyte": 1,
        "Myelocyte": 1,
    }


def test_blind_readings_are_compared_and_not_counted_as_decisions(cast: Cast, round_: Round) -> None:
    first, second, _ = fields(round_)
    label(cast, first)
    Project.objects.update(blind_share=1.0)
    blind = open_reading(field=Field.objects.get(pk=second.pk), actor=cast.ana)
    seg = second.predictions.order_by("pk").first()
    assert seg is not None
    save_changes(
        reading=blind, edits=[CellEdit(uuid4(), 0, number(cast, "seg"), seg.shape, {}, seconds=5.0)], actor=cast.ana
    )
    submit_reading(reading=blind, exhaustive=True, actor=cast.ana)
    report = report_of(round_)
    assert (report.readings, report.blind) == (1, 1)
    assert sum(row.added for row in report.classes) == 1
    by_name = {row.name: (row.without.value, row.shown.value) for row in report.anchoring}
    assert by_name["Predictions that are a cell of their class"] == (0.25, 0.5)
    assert by_name["Cells that were predicted"] == (1.0, 0.75)


def test_following_is_found_where_it_was_planted() -> None:
    """Readers who see ten predictions keep nine; those who do not see them draw six of the same cells."""
    shown = [FieldCounts(10, 12, 9, 9 - index % 2) for index in range(40)]
    without = [FieldCounts(10, 12, 6, 6 - index % 2) for index in range(40)]
    found = {row.name: row for row in compare(without, shown)}
    kept = found["Predictions that are a cell in the end"].difference
    assert kept.value == pytest.approx(0.3)
    assert kept.low is not None
    assert kept.low > 0.25
    same = {row.name: row for row in compare(without, without)}["Predictions that are a cell of their class"].difference
    assert same.low is not None
    assert same.high is not None
    assert same.low <= 0 <= same.high
    assert compare([], shown)[0].without.value is None


def test_a_cell_and_a_prediction_are_one_within_half_the_radius() -> None:
    predictions = [Placed(10, 10, 8, 1), Placed(50, 10, 8, 2), Placed(90, 10, 8, 3)]
    cells = [Placed(13, 10, 8, 1), Placed(50, 14, 8, 1), Placed(96, 10, 8, 3)]
    assert counts_of(predictions, cells) == FieldCounts(3, 3, 2, 1)


def test_the_page_and_its_table_say_the_same(cast: Cast, round_: Round) -> None:
    label(cast, fields(round_)[0])
    client = cast.client("ana")
    page = client.get("/projects/study/rounds/1/report/")
    assert page.status_code == 200
    assert "Accepted as is" in page.content.decode()
    answer = client.get("/projects/study/rounds/1/report.csv")
    table = list(csv.reader(io.StringIO(answer.content.decode())))
    assert ["class", "Segmented neutrophil", "1", "1", "0", "0", "0", "0", "4"] in table
    assert ["time", "circle", "1", "1", "10", "10", "10"] in table
