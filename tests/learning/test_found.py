"""What is kept of what a model found, and what is made of it: errors worst first, suspected labels, disagreements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotation.models import Cell, Project
from learning import faults
from learning.exchange import classes_above, plan_of
from learning.found.comparing import RIGHT, WRONG_CLASS, compare, disagreements, states
from learning.found.errors import SPLITS_OF, Kind, Wanted, What, error_at, look_closer, rank_errors
from learning.found.tables import SPLITS, Found
from tests.learning import findings, rows
from tests.learning.findings import Script

pytestmark = pytest.mark.django_db

EVERY = frozenset(SPLITS)
FAR = (150.0, 150.0, 170.0, 170.0)


@pytest.fixture
def project(home: Path) -> Project:
    return rows.project()


def opened(made: object) -> Found:
    found = Found.open(made.path)  # type: ignore[attr-defined]
    assert found is not None
    return found


def wanted(kind: Kind, **changes: object) -> Wanted:
    return Wanted(kind, EVERY, **changes)  # type: ignore[arg-type]


def test_what_was_kept_is_what_was_found(project: Project) -> None:
    training, _, tuning, _ = findings.fields(project)
    made = findings.model(project, "s1", {tuning.pk: Script(missed=[1], taken={2: 0.8}, alarms=[(FAR, 0.7)])})
    found = opened(made)
    assert len(found) == 4
    row = found.row_of(tuning.pk)
    assert row is not None
    labels, seen = found.labels[found.labels_of(row)], found.detections[found.detections_of(row)]
    uuids = Cell.objects.filter(reading=tuning.current_reading).order_by("pk").values_list("uuid", flat=True)
    assert [bytes(label["uuid"]) for label in labels] == [uuid.bytes for uuid in uuids]
    assert (len(labels), len(seen)) == (8, 8)
    assert list(seen["score"]) == sorted(seen["score"], reverse=True)
    assert seen["match"].tolist().count(-1) == 1, "the false alarm stands for nothing"
    assert labels["best"].tolist() == pytest.approx([0.9, 0, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9])
    assert found.row_of(training.pk) is not None
    assert found.row_of(10**9) is None


def test_the_counts_are_those_of_the_confusion_matrix(project: Project) -> None:
    made_fields = findings.fields(project, ["tuning", "tuning", "test"])
    scripts = {
        made_fields[0].pk: Script(missed=[0], taken={1: 0.8, 7: 0.6}, alarms=[(FAR, 0.7)]),
        made_fields[1].pk: Script(missed=[2, 3], alarms=[(FAR, 0.2)]),
        made_fields[2].pk: Script(missed=[5]),
    }
    made = findings.model(project, "s1", scripts)
    found = opened(made)
    counts = np.array(made.metrics["tuning"]["confusion"]["counts"])

    def number(kind: Kind, **changes: object) -> int:
        return len(rank_errors(found, Wanted(kind, frozenset({"tuning"}), **changes)))  # type: ignore[arg-type]

    assert number(Kind.MISSED) == counts[:-1, -1].sum() == 3
    assert number(Kind.FALSE_ALARM) == counts[-1].sum() == 1, "the other one scores below the threshold"
    assert number(Kind.CONFUSED) == counts[0, 1] + counts[1, 0] == 2
    assert number(Kind.CONFUSED, truth=0, found=1) == counts[0, 1] == 1
    assert number(Kind.CONFUSED, truth=1, found=1) == 0
    assert number(Kind.MISSED, either=1) == counts[1, -1] == 0
    assert len(rank_errors(found, wanted(Kind.MISSED))) == 4


def test_the_worst_come_first(project: Project) -> None:
    (tuning,) = findings.fields(project, ["tuning"])
    lower = (100.0, 150.0, 120.0, 170.0)
    script = Script(missed=[0], taken={1: 0.5, 2: 0.95}, alarms=[(lower, 0.4), (FAR, 0.8)])
    found = opened(findings.model(project, "s1", {tuning.pk: script}))
    alarms = look_closer(found, rank_errors(found, wanted(Kind.FALSE_ALARM)), 0, 9)
    assert [error.score for error in alarms] == pytest.approx([0.8, 0.4])
    assert (alarms[0].box, alarms[0].label, alarms[0].field, alarms[0].split) == (list(FAR), None, tuning.pk, "tuning")
    mixed = look_closer(found, rank_errors(found, wanted(Kind.CONFUSED)), 0, 9)
    assert [error.worst for error in mixed] == pytest.approx([0.94, 0.49])
    assert mixed[0].label_uuid
    (missed,) = look_closer(found, rank_errors(found, wanted(Kind.MISSED)), 0, 9)
    assert missed.label == [5, 5, 25, 25]
    assert missed.box is None
    assert look_closer(found, rank_errors(found, wanted(Kind.FALSE_ALARM)), 1, 5)[0].score == pytest.approx(0.4)


def test_labels_are_suspected_where_a_sure_model_disagrees_and_never_on_test(project: Project) -> None:
    made = findings.fields(project, ["training", "training", "tuning", "test"])
    script = Script(missed=[4], taken={2: 0.95, 3: 0.4}, alarms=[(FAR, 0.9), ((100.0, 150.0, 120.0, 170.0), 0.4)])
    found = opened(findings.model(project, "s1", {made[0].pk: script, made[3].pk: script}))
    suspected = look_closer(found, rank_errors(found, wanted(Kind.FAULT)), 0, 99)
    assert {error.field for error in suspected} == {made[0].pk}
    assert {error.what for error in suspected} == {What.WRONG_CLASS, What.UNLABELLED, What.UNFOUND}
    assert len(suspected) == 3, "what the model is not sure of is no ground for suspicion"
    assert "test" not in SPLITS_OF[Kind.FAULT]


def test_a_class_that_the_model_does_not_know_is_no_ground_for_suspicion(project: Project) -> None:
    (training,) = findings.fields(project, ["training"])
    made = findings.model(project, "s1", {training.pk: Script(taken={2: 0.95})})
    assert len(rank_errors(opened(made), wanted(Kind.FAULT))) == 1
    other = project.classes.exclude(key__in=findings.KEYS).filter(kind="cell")[0]
    cells = Cell.objects.filter(reading=training.current_reading).order_by("pk")
    Cell.objects.filter(pk=cells[2].pk).update(cell_class=other)
    made.card["class_map"][str(other.number)] = 0
    findings.keep(made, {training.pk: Script(taken={2: 0.95})})
    assert len(rank_errors(opened(made), wanted(Kind.CONFUSED))) == 1, "for the figures it is one all the same"
    assert len(rank_errors(opened(made), wanted(Kind.FAULT))) == 0


def test_who_says_less_contradicts_no_label(project: Project) -> None:
    (training,) = findings.fields(project, ["training"])
    seg, myc = findings.numbers_of(project)
    found = opened(findings.model(project, "s1", {training.pk: Script(taken={2: 0.95})}))
    assert len(rank_errors(found, wanted(Kind.FAULT, above=frozenset({(seg, myc)})))) == 0
    assert len(rank_errors(found, wanted(Kind.FAULT, above=frozenset({(myc, seg)})))) == 1
    known = {row.key: row.number for row in project.classes.all()}
    above = classes_above(project.classes.select_related("parent"))
    assert (seg, known["granulocytic"]) in above
    assert (seg, known["cell"]) in above
    assert (known["cell"], seg) not in above
    assert (seg, myc) not in above


def test_a_second_box_on_a_labelled_cell_is_no_missing_label(project: Project) -> None:
    (tuning,) = findings.fields(project, ["tuning"])
    second = (6.0, 6.0, 26.0, 26.0)
    found = opened(findings.model(project, "s1", {tuning.pk: Script(alarms=[(second, 0.85)])}))
    assert len(rank_errors(found, wanted(Kind.FALSE_ALARM))) == 1
    assert len(rank_errors(found, wanted(Kind.FAULT))) == 0


def test_a_row_that_is_not_there_is_refused(project: Project) -> None:
    findings.fields(project, ["tuning"])
    found = opened(findings.model(project, "s1"))
    for what in (What.MISSED, What.FALSE_ALARM):
        for row in (-1, 8):
            with pytest.raises(IndexError):
                error_at(found, what, row)


def test_nothing_kept_or_half_of_it_is_no_finding(project: Project) -> None:
    findings.fields(project, ["tuning"])
    made = findings.model(project, "s1")
    assert Found.open(made.path.parent / "s9") is None
    (made.path / "found" / "labels.npy").write_bytes(b"\x93NUMPY broken")
    assert Found.open(made.path) is None
    empty = rows.project()
    assert len(opened(findings.model(empty, "s1"))) == 0
    assert len(rank_errors(opened(empty.models.get()), wanted(Kind.FAULT))) == 0


def test_two_models_are_compared_as_the_zoo_does(project: Project) -> None:
    made = findings.fields(project, ["tuning"] * 6)
    scripts = {one.pk: Script(missed=range(place), alarms=[(FAR, 0.5)]) for place, one in enumerate(made)}
    poor, good = findings.model(project, "s1", scripts), findings.model(project, "s2")
    plan = plan_of(good)
    result = compare(opened(good), opened(poor), "tuning", plan.output)
    assert (result.fields, result.cases, result.cells) == (6, 6, 48)
    for name, gap in result.figures.items():
        assert gap.first == pytest.approx(good.metrics["tuning"][name])
        assert gap.second == pytest.approx(poor.metrics["tuning"][name])
        assert gap.interval is not None
        assert gap.interval[0] <= (gap.difference or 0) <= gap.interval[1]
    same = compare(opened(good), opened(good), "tuning", plan.output)
    assert {gap.difference for gap in same.figures.values()} == {0}
    assert compare(opened(good), opened(poor), "test", plan.output).figures["ap50"].difference is None


def test_fields_stand_by_how_much_two_models_disagree(project: Project) -> None:
    made = findings.fields(project, ["tuning", "tuning", "tuning", "test"])
    first = {made[1].pk: Script(missed=[0, 1]), made[2].pk: Script(missed=[3])}
    second = {made[1].pk: Script(taken={1: 0.9, 2: 0.9}, alarms=[(FAR, 0.9)]), made[2].pk: Script(missed=[3])}
    a, b = findings.model(project, "s1", first), findings.model(project, "s2", second)
    result = disagreements(opened(a), opened(b), "tuning")
    assert result.fields.tolist() == [made[1].pk, made[0].pk, made[2].pk]
    assert result.counts.tolist() == [4, 0, 0]
    assert result.changed == 0
    assert states(opened(b)).tolist().count(WRONG_CLASS) == 2
    assert set(states(opened(b))) > {RIGHT}


def test_a_class_of_the_other_model_counts_as_what_the_first_knows_of_it(project: Project) -> None:
    findings.fields(project, ["tuning"] * 3)
    fine, coarse = findings.model(project, "s1"), findings.model(project, "s2")
    merged = dict.fromkeys(findings.numbers_of(project), 0)
    result = compare(opened(fine), opened(coarse), "tuning", merged)
    assert result.figures["recall"].second == pytest.approx(0.75), "all are taken for the first class"


def test_clearness_and_suspicion_are_of_nought_to_one() -> None:
    assert faults.clearness((10, 10, 30, 30), 100, 100, 10) == 1
    assert faults.clearness((-5, 10, 15, 30), 100, 100, 10) == faults.CUT
    assert faults.clearness((10, 10, 20, 20), 100, 100, 10) == 0.5 == faults.clearness((10, 10, 50, 50), 100, 100, 10)
    assert faults.clearness((10, 10, 10, 10), 100, 100, 10) == 0
    scores = np.array([0.2, 0.9])
    assert faults.wrong_class(scores, scores[::-1]).tolist() == pytest.approx([0, 0.7])
    assert faults.unlabelled(scores).tolist() == [0.2, 0.9]
    best, clear = np.array([0.0, 0.2]), np.array([1.0, 1.0])
    assert faults.unfound(best, 0.4, clear, scores).tolist() == pytest.approx([0.2, 0.45])
    assert faults.unfound(np.array([0.5]), 0.4, clear[:1], clear[:1]).tolist() == [0]
