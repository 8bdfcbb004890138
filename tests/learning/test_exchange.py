"""Rows to records and back: roll-up of small classes, scale, weak shapes, detections to suggestions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.actions.snapshots import FrozenCell, FrozenReading
from annotation.models import Field, Project
from learning.exchange import (
    NO_CLAIM,
    Working,
    plan_classes,
    recast,
    scale_of,
    suggestions_of,
    truth_of,
    weak_shape,
    with_pseudo_labels,
)
from models_zoo.detections import Detections
from models_zoo.records import FieldRecord, Target
from models_zoo.shapes import enlarge, training_box
from tests.learning import rows


def reading(cells: list[tuple[int, tuple[float, float, float]]], number: int = 1) -> FrozenReading:
    frozen = tuple(FrozenCell("u", 1, n, "circle", points, "imported", {}) for n, points in cells)
    return FrozenReading(
        number, f"F{number}", "", "x.png", 400, 400, None, "", "", "training", 1, "imported", True, frozen
    )


def many(project: Project, counts: dict[str, int]) -> list[FrozenReading]:
    numbers = dict(project.classes.values_list("key", "number"))
    cells = [(numbers[key], (50.0, 50.0, 10.0)) for key, count in counts.items() for _ in range(count)]
    return [reading(cells)]


@pytest.mark.django_db
def test_small_classes_are_rolled_up_to_their_lineage_and_then_to_cell() -> None:
    project = rows.project()
    key_of = dict(project.classes.values_list("number", "key"))
    parent = {row.key: row.parent.key for row in project.classes.select_related("parent") if row.parent}
    counts = {"seg": 40, "myc": 20, "mmc": 15, "baso": 3, "plasma": 5}
    plan = plan_classes(project, many(project, counts), min_cells=30, artefacts="own")
    learned = {key_of[n] for n in plan.numbers}
    assert "seg" in learned
    assert parent["myc"] in learned, "35 cells of two stages make a lineage"
    output = {key_of[n]: plan.output[n] for n in plan.output}
    assert output["myc"] == output["mmc"] == plan.names.index(parent["myc"])
    assert output["plasma"] == plan.names.index("cell")
    assert plan.missing["myc"] == 10
    assert "seg" not in plan.missing
    assert plan.names == tuple(key_of[n] for n in plan.numbers)


@pytest.mark.django_db
def test_rare_roots_become_cells_and_rare_artefacts_background() -> None:
    project = rows.project()
    numbers = dict(project.classes.values_list("key", "number"))
    plan = plan_classes(project, many(project, {"seg": 40, "mega": 2, "smudge": 5}), min_cells=30, artefacts="own")
    assert plan.names == ("cell", "seg")
    assert plan.output[numbers["mega"]] == 0
    assert plan.output[numbers["smudge"]] is None
    assert (plan.missing["mega"], plan.missing["smudge"]) == (28, 25)


@pytest.mark.django_db
def test_an_ontology_without_cell_keeps_its_small_roots() -> None:
    project = rows.project(ontology="blood")
    plan = plan_classes(project, many(project, {"rbc": 40, "platelets": 3}), min_cells=30, artefacts="own")
    assert set(plan.names) == {"rbc", "platelets"}


@pytest.mark.django_db
def test_unsure_makes_no_claim_and_artefacts_follow_the_policy() -> None:
    project = rows.project()
    numbers = dict(project.classes.values_list("key", "number"))
    readings = many(project, {"seg": 40, "smudge": 40, "unsure": 40})
    own = plan_classes(project, readings, min_cells=30, artefacts="own")
    assert own.output[numbers["unsure"]] == NO_CLAIM
    assert own.output[numbers["smudge"]] == own.names.index("smudge")
    background = plan_classes(project, readings, min_cells=30, artefacts="background")
    assert background.output[numbers["smudge"]] is None
    assert background.names == ("seg",)
    cell = plan_classes(project, readings, min_cells=30, artefacts="cell")
    assert set(cell.names) == {"seg", "cell"}
    assert cell.output[numbers["smudge"]] == cell.names.index("cell")
    assert len(truth_of(readings[0], background).labels) == 80, "unsure stays in the truth, without a claim"


@pytest.mark.django_db
def test_without_labels_nothing_is_learned() -> None:
    plan = plan_classes(rows.project(), [], min_cells=30, artefacts="own")
    assert plan.numbers == ()


@pytest.mark.parametrize(
    ("working", "um", "scale"),
    [
        (Working(40.0, None), 0.3, 1.0),
        (Working(40.0, 99.0), 0.15, 0.5),
        (Working(40.0, 80.0), None, 0.5),
        (Working(40.0, None), None, 1.0),
        (Working(40.0, 4.0), None, 2.0),
        (Working(40.0, 80.0, 320), None, 0.8),
        (Working(40.0, 80.0, 320), 0.15, 0.5),
        (Working(40.0, 20.0, 320), None, 2.0),
    ],
)
def test_the_working_resolution(working: Working, um: float | None, scale: float) -> None:
    assert scale_of(working, um, 400) == pytest.approx(scale)


@given(st.floats(3, 60), st.floats(0.5, 1.0))
@settings(max_examples=40, deadline=None)
def test_five_rounds_of_accepting_keep_the_radius(radius: float, shrink: float) -> None:
    """A perfect detector learns the shrunk box; its prediction, enlarged and accepted, is the next round's circle."""
    shape = (100.0, 100.0, radius)
    for _ in range(5):
        learned = np.array([training_box(Target("circle", shape, 0), shrink)])
        cx, cy, r = weak_shape(enlarge(learned, shrink)[0], "circle").points
        shape = (cx, cy, round(r, 2))
    assert shape[2] == pytest.approx(radius, rel=0.02)


def detections(*scores: list[float]) -> Detections:
    boxes = np.array([[10, 10, 30, 30], [50, 50, 90, 70], [-40, 5, -10, 25]], np.float32)[: len(scores)]
    return Detections(boxes, np.array(scores, np.float32), np.zeros((len(scores), 0), np.float32))


def test_pseudo_labels_are_sure_ones_and_doubtful_places_make_no_claim() -> None:
    record = FieldRecord("1", "x.png", 100, 100, 1.0)
    found = detections([0.9, 0.1], [0.2, 0.5], [0.05, 0.1])
    labelled = with_pseudo_labels(record, found, keep=0.8, doubt=0.3, weak="circle")
    assert [(target.kind, target.label) for target in labelled.targets] == [("circle", 0), ("circle", NO_CLAIM)]


@pytest.mark.django_db
def test_recasting_keeps_the_best_score_of_what_falls_together() -> None:
    project = rows.project()
    plan = plan_classes(project, many(project, {"seg": 40, "blast": 40}), min_cells=30, artefacts="own")
    numbers = dict(project.classes.values_list("key", "number"))
    out = recast(detections([0.2, 0.6, 0.9]), [numbers["seg"], numbers["blast"], numbers["unsure"]], plan)
    assert out.scores[0, plan.names.index("blast")] == pytest.approx(0.6)
    assert out.scores[0, plan.names.index("seg")] == pytest.approx(0.2)
    assert out.scores.max() < 0.9, "what the plan does not know scores nowhere"


@pytest.mark.django_db
def test_suggestions_lie_on_the_field_and_name_the_best_three_classes() -> None:
    project = rows.project()
    field = Field(pk=1, width=100, height=100)
    classes = {row.number: row for row in project.classes.all()}
    found = detections([0.1, 0.7, 0.2, 0.3], [0.8, 0.1, 0.0, 0.0], [0.9, 0.0, 0.0, 0.0])
    made = suggestions_of(field, found, [1, 2, 3, 4], classes, "circle")
    assert len(made) == 2, "a circle whose centre lies outside the field is no cell of it"
    assert made[0].cell_class.number == 2
    assert [number for number, _ in made[0].class_scores] == [2, 4, 3]
    assert made[0].shape.points == pytest.approx((20, 20, 10))
    box = suggestions_of(field, found, [1, 2, 3, 4], classes, "box")[1]
    assert box.shape.kind == "box"
    assert box.shape.points == pytest.approx((50, 50, 90, 70))
