"""Cells and readings: nothing is overwritten, everything leaves an event, and what is current follows the rule."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from annotation.actions.cells import CellError, StaleVersionError, accept_prediction, change_cell, draw_cell
from annotation.actions.readings import ReadingError, choose_current, open_reading, reveal_oracle, submit_reading
from annotation.models import Cell, Event, Field, Membership, Prediction, Project, Reading, Role
from annotation.shapes import Shape
from tests.learning import rows

pytestmark = pytest.mark.django_db
CIRCLE = Shape("circle", (50.0, 60.0, 12.0))


def ana(project: Project) -> User:
    user = User.objects.create_user(f"ana{project.pk}")
    Membership.objects.create(project=project, user=user, role=Role.ANNOTATOR)
    return user


def opened() -> tuple[Project, Reading, User]:
    project = rows.project()
    actor = ana(project)
    return project, open_reading(field=rows.field(project), actor=actor), actor


def test_a_cell_drawn_twice_is_one_cell() -> None:
    project, reading, actor = opened()
    uuid, seg = uuid4(), project.classes.get(key="seg")
    first = draw_cell(reading=reading, cell_class=seg, shape=CIRCLE, actor=actor, uuid=uuid)
    again = draw_cell(reading=reading, cell_class=seg, shape=CIRCLE, actor=actor, uuid=uuid)
    assert first.pk == again.pk
    assert [event.verb for event in first.events.all()] == ["drawn"]


def test_a_stale_version_changes_nothing_and_shows_what_is_there() -> None:
    project, reading, actor = opened()
    cell = draw_cell(reading=reading, cell_class=project.classes.get(key="seg"), shape=CIRCLE, actor=actor)
    stale = Cell.objects.get(pk=cell.pk)
    change_cell(cell=cell, version=1, actor=actor, cell_class=project.classes.get(key="band"))
    with pytest.raises(StaleVersionError) as caught:
        change_cell(cell=stale, version=1, actor=actor, deleted=True)
    assert caught.value.current.cell_class.key == "band"
    assert Cell.objects.alive().filter(pk=cell.pk).exists()
    assert Event.objects.filter(cell=cell).count() == 2


def test_undo_is_an_event_too() -> None:
    project, reading, actor = opened()
    cell = draw_cell(reading=reading, cell_class=project.classes.get(key="seg"), shape=CIRCLE, actor=actor)
    change_cell(cell=cell, version=1, actor=actor, deleted=True)
    change_cell(cell=cell, version=2, actor=actor, deleted=False)
    verbs = [event.verb for event in cell.events.order_by("pk")]
    assert verbs == ["drawn", "deleted", "restored"]
    deletion = cell.events.order_by("pk")[1]
    assert deletion.before is not None
    assert deletion.before["deleted"] is False


def test_an_accepted_prediction_stays_and_correcting_it_is_told() -> None:
    project, reading, actor = opened()
    seg, band = project.classes.get(key="seg"), project.classes.get(key="band")
    prediction = Prediction.objects.create(
        field=reading.field, model_id=1, model_label="s1", cell_class=seg, kind="circle", points=[50, 60, 12], score=0.8
    )
    cell = accept_prediction(reading=reading, prediction=prediction, actor=actor)
    assert cell.provenance == "accepted"
    change_cell(cell=cell, version=1, actor=actor, cell_class=band)
    assert cell.provenance == "corrected"
    assert Prediction.objects.filter(pk=prediction.pk).exists()


def test_a_shape_outside_the_field_is_refused_in_words() -> None:
    project, reading, actor = opened()
    seg = project.classes.get(key="seg")
    with pytest.raises(CellError, match="outside the image"):
        draw_cell(reading=reading, cell_class=seg, shape=Shape("circle", (900.0, 10.0, 5.0)), actor=actor)


def test_a_submitted_reading_is_closed() -> None:
    project, reading, actor = opened()
    submit_reading(reading=reading, exhaustive=True, actor=actor)
    with pytest.raises(ReadingError):
        submit_reading(reading=reading, exhaustive=False, actor=actor)
    with pytest.raises(CellError, match="closed"):
        draw_cell(reading=reading, cell_class=project.classes.get(key="seg"), shape=CIRCLE, actor=actor)
    assert Field.objects.get(pk=reading.field_id).current_reading == reading


def test_an_outsider_may_nothing() -> None:
    project, reading, _ = opened()
    otto = User.objects.create_user("otto")
    with pytest.raises(PermissionDenied):
        draw_cell(reading=reading, cell_class=project.classes.get(key="seg"), shape=CIRCLE, actor=otto)
    with pytest.raises(PermissionDenied):
        open_reading(field=reading.field, actor=otto)


def test_an_engineer_may_not_label_and_an_annotator_may_not_reveal() -> None:
    project, reading, actor = opened()
    lea = User.objects.create_user("lea")
    Membership.objects.create(project=project, user=lea, role=Role.ENGINEER)
    with pytest.raises(PermissionDenied):
        open_reading(field=reading.field, actor=lea)
    with pytest.raises(PermissionDenied):
        reveal_oracle(field=reading.field, actor=actor)


def test_the_current_reading() -> None:
    field = rows.field(rows.project())
    rows.reading(field, {"seg": 1}, source="oracle", state="sealed")
    assert choose_current(field) is None, "oracle labels are never current"
    imported = rows.reading(field, {"seg": 1})
    drawn = rows.reading(field, {"seg": 2}, source="drawn")
    rows.reading(field, {"seg": 3})
    assert choose_current(field) == drawn, "a later import does not cover an expert's reading"
    signed = rows.reading(field, {"seg": 4}, source="drawn", state="signed_off")
    rows.reading(field, {"seg": 5}, source="drawn")
    assert choose_current(field) == signed
    adjudicated = rows.reading(field, {"seg": 6}, source="adjudicated")
    assert choose_current(field) == adjudicated
    assert imported.cells.count() == 1, "no reading loses its cells"


def test_revealing_copies_the_sealed_labels() -> None:
    field = rows.field(rows.project())
    sealed = rows.reading(field, {"seg": 2, "blast": 1}, source="oracle", state="sealed")
    revealed = reveal_oracle(field=field)
    assert revealed is not None
    assert revealed.cells.count() == 3
    assert set(revealed.cells.values_list("uuid", flat=True)).isdisjoint(sealed.cells.values_list("uuid", flat=True))
    assert Field.objects.get(pk=field.pk).current_reading == revealed
    assert reveal_oracle(field=rows.field(field.project)) is None
