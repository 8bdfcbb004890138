"""Rounds as a person meets them: started, carried through their steps, refused, closed."""

from __future__ import annotations

import pytest

from annotation.actions.readings import reveal_oracle
from annotation.models import BatchField, Field, Prediction, Project
from learning.actions.models import deployed_model, incumbent_teacher
from learning.actions.rounds import RoundError, cancel_round, close_round, retry_round
from learning.models import ModelVersion
from learning.states import RoundState, RunState, Step
from tests.learning import rows
from tests.learning.play import begin, play, states
from tests.learning.zoo import FakeZoo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo")]


def test_a_round_goes_through_four_runs_and_its_batch_waits_with_predictions() -> None:
    project = rows.study()
    round_ = play(begin(project))
    assert round_.state == RoundState.LABELLING, [run.error for run in round_.runs.all()]
    assert [run.step for run in round_.runs.order_by("pk")] == ["train", "rank", "distil", "predict"]
    assert set(states(round_).values()) == {RunState.SUCCEEDED}
    moves = [move.new for move in round_.transitions.filter(run=None)]
    assert moves == ["ranking", "distilling", "predicting", "labelling"]
    assert round_.deployed
    assert deployed_model(project) == round_.student
    assert incumbent_teacher(project) == round_.teacher
    batch = round_.batch
    assert batch is not None
    asked = {row.field_id for row in batch.fields.all()}
    assert len(asked) == 3
    assert asked <= set(Field.objects.filter(project=project).pool().values_list("pk", flat=True))
    waiting = Prediction.objects.filter(field__in=asked, model_label="s1")
    assert round_.predictions == waiting.count() == 3 * 8


def test_the_epochs_and_results_of_the_runs_are_kept() -> None:
    round_ = play(begin(rows.study()))
    train, distil = round_.runs.get(step=Step.TRAIN), round_.runs.get(step=Step.DISTIL)
    assert [epoch.number for epoch in train.epochs.all()] == [1, 2] == [epoch.number for epoch in distil.epochs.all()]
    assert train.result["model"] == "t1"
    assert distil.result["model"] == "s1"
    assert distil.result["accepted"]
    assert round_.runs.get(step=Step.RANK).result["batch"] == 3


def test_while_one_round_works_no_other_starts_and_what_to_type_is_said() -> None:
    project = rows.study()
    first = begin(project)
    with pytest.raises(RoundError) as refused:
        begin(project)
    assert f"round {first.number} is still training" in str(refused.value)
    assert f"run_round {project.key} --resume --wait" in str(refused.value)
    assert f"cancel_round {project.key}" in str(refused.value)
    assert project.rounds.count() == 1


@pytest.mark.parametrize(
    ("wrong", "near"),
    [({"teacher": "yolo26"}, "yolo26n"), ({"student": "yolo62n"}, "yolo26n"), ({"strategy": "uncertain"}, "rarity")],
)
def test_unknown_names_are_refused_with_those_that_come_near(wrong: dict[str, str], near: str) -> None:
    project = rows.study(training=0, pool=0, held_out=0)
    with pytest.raises(RoundError, match=near):
        begin(project, **wrong)
    assert not project.rounds.exists()


def test_a_refused_teacher_is_a_normal_end(zoo: FakeZoo) -> None:
    zoo.skills = ["silent"]
    project = rows.study()
    round_ = play(begin(project))
    assert round_.state == RoundState.LABELLING, [run.error for run in round_.runs.all()]
    assert list(states(round_)) == ["train", "rank", "predict"]
    assert [move.new for move in round_.transitions.filter(run=None)] == ["ranking", "predicting", "labelling"]
    assert not round_.deployed
    assert "refused: it found not one cell on 2 tuning fields" in round_.reason
    assert round_.teacher is not None
    assert not round_.teacher.accepted
    assert round_.student is None
    assert round_.batch is not None
    assert round_.batch.fields.count() == 3
    assert round_.batch.model_id is None, "a refused teacher does not rank"
    assert round_.predictions == 0


def test_a_refused_teacher_leaves_ranking_and_predicting_to_the_incumbents(zoo: FakeZoo) -> None:
    project = rows.study()
    first = play(begin(project))
    zoo.skills = ["silent"]
    second = play(begin(project))
    assert second.state == RoundState.LABELLING
    assert not second.deployed
    assert second.batch is not None
    assert second.batch.model_label == "t1"
    assert deployed_model(project) == first.student
    waiting = Prediction.objects.filter(field__batch_fields__batch=second.batch, model_label="s1")
    assert second.predictions == waiting.count() == 3 * 8, "also those that the first round's batch had already"


def test_a_refused_student_leaves_the_incumbent_deployed_and_it_predicts(zoo: FakeZoo) -> None:
    project = rows.study()
    first = play(begin(project))
    zoo.skills = ["good", "silent"]
    second = play(begin(project))
    assert list(states(second)) == ["train", "rank", "distil", "predict"]
    assert not second.deployed
    assert "refused" in second.reason
    assert second.student is not None
    assert second.student.label == "s2"
    assert deployed_model(project) == first.student
    assert second.runs.get(step=Step.PREDICT).result["model"] == "s1"
    assert second.predictions == 3 * 8


def test_a_worse_teacher_is_refused_where_there_is_enough_to_compare(zoo: FakeZoo) -> None:
    project = rows.study(held_out=13)
    play(begin(project))
    zoo.skills = ["poor"]
    round_ = play(begin(project))
    assert not round_.deployed
    assert "against t1 on 13 cases" in round_.reason
    assert incumbent_teacher(project) == ModelVersion.objects.get(project=project, label="t1")


def test_without_labels_the_batch_goes_out_all_the_same() -> None:
    project = rows.study(training=0, held_out=0, pool=5)
    round_ = play(begin(project))
    assert round_.state == RoundState.LABELLING, [run.error for run in round_.runs.all()]
    assert (round_.teacher, round_.student, round_.deployed) == (None, None, False)
    assert "no training field is labelled" in round_.reason
    assert round_.batch is not None
    assert round_.batch.fields.count() == 3


def test_the_first_batch_is_random_over_all_splits_until_the_held_out_ones_are_full() -> None:
    project = rows.study(held_out=2, pool=4)
    Project.objects.filter(pk=project.pk).update(min_labelled=3)
    spare = {split: rows.pool_fields(project, 4, split) for split in ("validation", "tuning", "test")}
    for made in (field for fields in spare.values() for field in fields):
        rows.reading(made, {"seg": 6}, source="oracle", state="sealed")
    first = play(begin(project, budget=16))
    assert first.batch is not None
    assert first.batch.strategy == "random"
    asked = [row.field for row in first.batch.fields.select_related("field")]
    assert {field.split for field in asked} == {"training", "validation", "tuning", "test"}
    assert "tuning lacks 1" in first.batch.fields.all()[0].reason
    for field in (field for field in asked if field.split != "training"):
        reveal_oracle(field=field)
    second = play(begin(project, budget=16))
    assert second.batch is not None
    assert second.batch.strategy == "hybrid"
    assert {row.field.split for row in second.batch.fields.select_related("field")} == {"training"}


def test_held_out_splits_that_have_nothing_to_offer_hold_nobody_up() -> None:
    project = rows.study(held_out=1)
    Project.objects.filter(pk=project.pk).update(min_labelled=5)
    round_ = play(begin(project))
    assert round_.batch is not None
    assert round_.batch.strategy == "hybrid"


def test_closing_a_round_returns_what_nobody_labelled_and_the_next_may_ask_again() -> None:
    project = rows.study(pool=3)
    first = play(begin(project))
    rows_of_batch = list(BatchField.objects.waiting().filter(batch=first.batch))
    assert len(rows_of_batch) == 3
    reveal_oracle(field=rows_of_batch[0].field)
    assert BatchField.objects.waiting().filter(batch=first.batch).count() == 2
    assert close_round(round_=first, actor=None)
    assert not close_round(round_=first, actor=None)
    assert first.state == RoundState.DONE
    assert not BatchField.objects.waiting().filter(batch=first.batch).exists()
    second = play(begin(project))
    assert second.batch is not None
    assert {row.field_id for row in second.batch.fields.all()} == {row.field_id for row in rows_of_batch[1:]}


def waiting_batches() -> set[int]:
    return set(BatchField.objects.waiting().values_list("batch__number", flat=True))


def test_people_go_on_with_a_batch_until_the_next_one_is_out() -> None:
    project = rows.study()
    first = play(begin(project))
    second = play(begin(project), runs=3)
    first.refresh_from_db()
    assert (first.state, second.state) == (RoundState.LABELLING, RoundState.PREDICTING)
    assert second.batch is not None
    assert waiting_batches() == {1}, "the second batch is frozen, but nobody is asked before its predictions are there"
    play(second)
    first.refresh_from_db()
    assert (first.state, second.state) == (RoundState.DONE, RoundState.LABELLING)
    assert waiting_batches() == {2}
    assert not close_round(round_=first, actor=None)


def test_a_round_that_is_broken_off_takes_nobodys_batch_away() -> None:
    project = rows.study()
    first = play(begin(project))
    second = play(begin(project), runs=3)
    cancel_round(round_=second, actor=None)
    assert waiting_batches() == {1}
    third = play(begin(project))
    assert waiting_batches() == {3}
    first.refresh_from_db()
    assert first.state == RoundState.DONE
    assert third.state == RoundState.LABELLING
    with pytest.raises(RoundError, match="round 3"):
        retry_round(round_=second, actor=None)
