"""The lanes of the workers: what they take, in which order, and what they leave alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from annotation import lanes, lease
from annotation.lanes import Lane
from learning import tasks
from learning.actions.runs import claim_run
from learning.models import Run
from learning.states import RunState, Step
from tests.learning import rows
from tests.learning.zoo import FakeZoo

pytestmark = pytest.mark.usefixtures("zoo")


@pytest.fixture(autouse=True)
def go_on() -> Iterator[None]:
    yield
    lanes.stopping.clear()


@pytest.mark.django_db
def test_each_lane_takes_its_own_kind_oldest_first() -> None:
    project = rows.study()
    rank, train = rows.run_of(project, Step.RANK), rows.run_of(project, Step.TRAIN)
    batch = rows.run_of(project, Step.PREDICT)
    field = rows.run_of(project, Step.PREDICT, field=project.fields.first())
    assert tasks.next_run(tasks.HEAVY) == rank
    assert tasks.next_run(tasks.BATCH) == batch
    assert tasks.next_run(tasks.FIELD) == field
    Run.objects.filter(pk=rank.pk).update(state=RunState.SUCCEEDED)
    assert tasks.next_run(tasks.HEAVY) == train


@pytest.mark.django_db
def test_what_a_dead_worker_left_comes_before_what_waits_and_a_living_ones_is_left_alone() -> None:
    project = rows.project()
    waiting, running = rows.run_of(project, Step.TRAIN), rows.run_of(project, Step.DISTIL)
    assert claim_run(running)
    assert tasks.next_run(tasks.HEAVY) == waiting
    host = lease.own_name().rsplit(":", 2)[0]
    Run.objects.filter(pk=running.pk).update(worker=f"{host}:999999999:1")
    assert tasks.next_run(tasks.HEAVY) == running
    Run.objects.filter(pk=running.pk).update(worker="elsewhere:1:1", lease_until=None)
    Run.objects.filter(pk=waiting.pk).delete()
    assert tasks.next_run(tasks.HEAVY) == running, "of other machines only the lease tells"


@pytest.mark.django_db
def test_a_light_run_is_done_in_the_worker_itself() -> None:
    project = rows.study()
    run = rows.run_of(project, Step.PREDICT)
    assert tasks.take_batch()
    run.refresh_from_db()
    assert (run.state, run.worker) == (RunState.SUCCEEDED, lease.own_name())
    assert not tasks.take_batch()


@pytest.mark.django_db
def test_a_worker_that_ends_gives_a_light_run_back(zoo: FakeZoo) -> None:
    project = rows.study()
    model = rows.model(project, "s1")
    model.deployments.create(project=project, reason="for this test")
    run = rows.run_of(project, Step.PREDICT, field=project.fields.first())
    zoo.before = lambda *_: lanes.stopping.set()
    model.path.mkdir(parents=True)
    model.onnx.write_text('{"skill": "good", "classes": ["cell"], "number": 1}')
    assert not tasks.take_field()
    run.refresh_from_db()
    assert (run.state, run.attempt) == (RunState.QUEUED, 1)


def test_a_lane_does_one_thing_at_a_time_and_looks_again_for_who_came_meanwhile() -> None:
    begun, go_on_ = threading.Event(), threading.Event()
    waiting, most, at_work = [1], [0], [0]

    def take() -> bool:
        if not waiting:
            return False
        waiting.pop()
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        begun.set()
        assert go_on_.wait(5)
        at_work[0] -= 1
        return True

    lane = Lane("none", "test", take)
    first = threading.Thread(target=lane.work)
    first.start()
    assert begun.wait(5)
    waiting.extend([2, 3])
    lane.work()  # finds the lane busy and returns at once
    assert first.is_alive()
    go_on_.set()
    first.join(5)
    assert (waiting, most) == ([], [1])
    lanes._lanes.remove(lane)


def test_a_lane_survives_what_breaks_in_it(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([ValueError("broken"), None])

    def take() -> bool:
        answer = next(answers)
        if answer is not None:
            raise answer
        return False

    lane = Lane("none", "test", take)
    lane.work()
    assert "lane test broke off" in caplog.text
    lane.work()
    assert next(answers, "asked twice") == "asked twice"
    lanes._lanes.remove(lane)


def test_told_to_end_a_lane_takes_nothing_more() -> None:
    taken: list[int] = []

    def take() -> bool:
        taken.append(1)
        lanes.stopping.set()
        return True

    lane = Lane("none", "test", take)
    lane.work()
    lane.work()
    assert taken == [1]
    lanes._lanes.remove(lane)
