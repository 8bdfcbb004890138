"""What goes wrong around a run: a full disk, a card that is too small, a step without end, a database that is away."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

import models_zoo
from annotation import disk, lease, patience
from annotation.patience import patiently
from learning import runner
from learning.actions.rounds import retry_round
from learning.actions.runs import MOST_LOST, claim_run, report_epoch, stop_run
from learning.models import Run, RunQuerySet, Transition
from learning.runner import execute_run
from learning.states import Cause, RoundState, RunState, Step
from learning.steps.context import StoppedError
from learning.views.round_parts import runs_of, steps_of
from learning.views.words import advice
from models_zoo import memory
from models_zoo.epochs import EPOCHS_FILE, note_epoch, read_epochs
from models_zoo.records import OutOfMemory, Progress
from tests.learning import rows
from tests.learning.play import begin, play, states
from tests.learning.zoo import FakeZoo


class OutOfMemoryError(RuntimeError):
    """Named as torch's own, which only a card raises."""


@pytest.mark.django_db
def test_a_full_disk_ends_the_run_by_that_name_frees_what_can_be_made_again_and_a_retry_works(zoo: FakeZoo) -> None:
    round_ = begin(rows.study())
    run = round_.runs.get()
    tiles = run.folder / "attempt1" / "model" / "tiles"

    def fill(verb: str, request: Any) -> None:
        tiles.mkdir(parents=True)
        (tiles / "0.png").write_bytes(b"picture")
        (tiles.parent / "resume.pt").write_bytes(b"whole")
        (tiles.parent / "best.pt.part").write_bytes(b"hal")
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("the library says something else") from error

    zoo.before = fill
    play(round_, runs=1)
    run.refresh_from_db()
    assert (round_.state, run.state, run.cause) == (RoundState.FAILED, RunState.FAILED, "disk full")
    assert run.error == "The disk where the data lie is full. Make room, then try again."
    assert "make room" in advice(run.error, run.cause)
    assert {path.name for path in tiles.parent.iterdir()} == {"request.json", "resume.pt"}, "what cannot be made again"
    assert "No space left" in run.log.read_text()
    zoo.before = None
    assert retry_round(round_=round_, actor=None)
    assert play(round_).state == RoundState.LABELLING
    run.refresh_from_db()
    assert (run.cause, run.error) == ("", "")


@pytest.mark.django_db
def test_the_end_is_written_as_soon_as_the_database_has_room_for_it(
    zoo: FakeZoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_, tries = begin(rows.study()), list[int]()

    def fill(verb: str, request: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def stop_when_there_is_room(run: Run, state: RunState, **more: Any) -> bool:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("database or disk is full")
        return stop_run(run, state, **more)

    zoo.before = fill
    monkeypatch.setattr(runner, "ROOM_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(runner, "stop_run", stop_when_there_is_room)
    play(round_, runs=1)
    assert round_.runs.get().cause == "disk full"


@pytest.mark.django_db
@pytest.mark.usefixtures("zoo")
def test_without_room_nothing_is_begun(settings: Settings) -> None:
    settings.RUN_FREE_MB = 10**9
    round_ = play(begin(rows.study()), runs=1)
    run = round_.runs.get()
    assert (run.state, run.cause) == (RunState.FAILED, "disk full")
    assert "a run needs 1000000000 MB to begin" in run.error
    assert not run.folder.exists()


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OperationalError("database or disk is full"), True),
        (RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (ValueError("the label is unknown"), False),
    ],
)
def test_a_full_disk_is_told_from_other_errors(
    error: Exception, full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch does not say why it could not write; that there is no room left tells it."""
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1_000)
    assert disk.is_disk_full(error, tmp_path) is full


def test_where_there_is_room_torch_means_something_else(tmp_path: Path) -> None:
    assert not disk.is_disk_full(RuntimeError("PytorchStreamWriter failed writing file"), tmp_path)


@pytest.mark.django_db
def test_a_card_that_is_too_small_gets_a_smaller_batch_and_the_page_says_so(zoo: FakeZoo) -> None:
    round_ = begin(rows.study(), batch=16)
    batches = list[int]()

    def too_large(verb: str, request: Any) -> None:
        if verb == "train":
            batches.append(request.batch)
            if request.batch > 4:
                raise OutOfMemory("CUDA out of memory. Tried to allocate 20 GiB")

    zoo.before = too_large
    play(round_, runs=1)
    run = round_.runs.get()
    assert (run.state, run.batch, run.attempt) == (RunState.QUEUED, 8, 1)
    assert Transition.objects.filter(run=run).latest("pk").why == (
        "the card's memory was too small for 16 tiles in a step: it goes on with 8"
    )
    play(round_, runs=2)
    run.refresh_from_db()
    assert batches[:3] == [16, 8, 4]
    assert (run.state, run.batch) == (RunState.SUCCEEDED, 4)
    assert round_.teacher is not None
    assert "memory was too small for a larger batch than 4" in round_.teacher.card["notes"][-1]
    run.state = RunState.RUNNING
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    step = steps_of(round_, runs_of(round_), run.created_at)[0]
    assert "too small for more than 4 tiles in a step" in step.note


@pytest.mark.django_db
def test_a_card_that_is_too_small_for_one_tile_fails_by_that_name(zoo: FakeZoo) -> None:
    def too_large(verb: str, request: Any) -> None:
        raise OutOfMemory("CUDA out of memory")

    zoo.before = too_large
    round_ = play(begin(rows.study(), batch=2), runs=2)
    run = round_.runs.get()
    assert (run.state, run.cause) == (RunState.FAILED, "out of memory")
    assert "even with one tile" in run.error
    assert "smaller teacher" in advice(run.error, run.cause)


def test_the_zoo_raises_one_error_whatever_a_library_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")

    monkeypatch.setattr("models_zoo.registry._done", broken)
    with pytest.raises(OutOfMemory, match=r"^CUDA out of memory$"):
        models_zoo.call("train", None)
    assert memory.is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"))
    assert not memory.is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.django_db
def test_a_light_run_without_end_is_ended_by_the_time_limit(zoo: FakeZoo, settings: Settings) -> None:
    round_ = play(begin(rows.study()), runs=3)
    settings.RUN_TIME_LIMIT_SECONDS = -1
    play(round_, runs=1)
    run = round_.runs.get(step=Step.PREDICT)
    assert (run.state, run.cause) == (RunState.FAILED, "time limit")
    assert "fewer epochs" in advice(run.error, run.cause)


@pytest.mark.django_db(transaction=True)
def test_a_heavy_run_over_its_time_fails_and_is_not_begun_again(
    zoo: FakeZoo, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child gives its run back when it is told to end: by then the row says that it failed."""
    round_ = begin(rows.study())
    run, ended = round_.runs.get(), list[str]()
    assert claim_run(run)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    end_group = runner._end_group

    def end(process: subprocess.Popen[bytes]) -> None:
        ended.append(Run.objects.get(pk=run.pk).state)
        end_group(process)

    monkeypatch.setattr("learning.runner.subprocess.Popen", lambda *_, **__: child)
    monkeypatch.setattr(runner, "_end_group", end)
    settings.RUN_TIME_LIMIT_SECONDS = -1
    runner.run_child(run)
    run.refresh_from_db()
    round_.refresh_from_db()
    assert ended == [RunState.FAILED]
    assert (run.state, run.cause, round_.state) == (RunState.FAILED, "time limit", RoundState.FAILED)


@pytest.mark.django_db(transaction=True)
def test_a_child_that_finds_its_run_taken_does_not_fail_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two workers that begin the same run one is late; meanwhile the other may have given the run back."""
    run = rows.run_of(rows.project())
    late = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({runner.NOT_TO_BE_HAD})"])
    monkeypatch.setattr("learning.runner.subprocess.Popen", lambda *_, **__: late)
    runner.run_child(run)
    run.refresh_from_db()
    assert run.state == RunState.QUEUED


@pytest.mark.django_db
@pytest.mark.usefixtures("zoo")
def test_the_row_and_the_page_say_what_a_run_computes_on() -> None:
    round_ = play(begin(rows.study()))
    assert {run.device for run in round_.runs.all()} == {"cpu"}
    step = steps_of(round_, runs_of(round_), round_.created_at)[0]
    assert step.where == "on the CPU"
    Run.objects.filter(round=round_, step=Step.TRAIN).update(device="card 1: NVIDIA H100")
    assert steps_of(round_, runs_of(round_), round_.created_at)[0].where == "on card 1: NVIDIA H100"


@pytest.mark.django_db
def test_power_cuts_are_not_counted_against_a_run_but_not_without_end(settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 2
    run = rows.run_of(rows.project())
    host, other_life = lease.own_name().rsplit(":", 2)[0], f"{lease.own_life()}x"
    assert claim_run(run)
    for attempt in range(2, MOST_LOST + 1):
        Run.objects.filter(pk=run.pk).update(worker=f"{host}:999999999:1/{other_life}")
        assert claim_run(run), f"attempt {attempt}"
    assert run.deaths == 0
    Run.objects.filter(pk=run.pk).update(worker=f"{host}:999999999:1/{other_life}")
    assert not claim_run(run)
    assert (run.state, run.cause) == (RunState.FAILED, Cause.WORKER_DIED)
    assert f"died {MOST_LOST} times" in run.error


@pytest.mark.django_db
def test_who_gets_on_between_two_deaths_is_not_given_up(settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 2
    run = rows.run_of(rows.project())
    assert claim_run(run)
    for epoch in range(1, 13):
        report_epoch(run, epoch, {"box_loss": 1.0}, 1.0)
        Run.objects.filter(pk=run.pk).update(worker="elsewhere:1:1", lease_until=None)
        assert claim_run(run), f"after epoch {epoch}"
        assert run.deaths == 1


@pytest.mark.django_db
def test_the_losses_of_an_epoch_whose_report_was_cut_off_are_found_beside_its_checkpoint(zoo: FakeZoo) -> None:
    round_ = begin(rows.study())
    run = round_.runs.get()
    earlier = run.folder / "attempt1" / "model"
    earlier.mkdir(parents=True)
    note_epoch(earlier, Progress(1, 2, {"box_loss": 7.0}, 3.0, 0.0))
    with (earlier / EPOCHS_FILE).open("ab") as stream:
        stream.write(b'{"epoch":2,"epo')
    assert [told.epoch for told in read_epochs(earlier / EPOCHS_FILE)] == [1], "a line that was cut off is none"
    Run.objects.filter(pk=run.pk).update(attempt=1)
    train = zoo._train

    def go_on_from_epoch_2(request: Any, report: Any) -> Any:
        return train(request, lambda progress: report(progress) if progress.epoch > 1 else None)

    zoo._train = go_on_from_epoch_2  # type: ignore[method-assign]
    play(round_, runs=1)
    assert states(round_)["train"] == "succeeded"
    assert [(epoch.number, epoch.losses) for epoch in run.epochs.all()] == [
        (1, {"box_loss": 7.0}),
        (2, {"box_loss": 0.5}),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_for_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    failures, heard = [1, 2, 3], list[str]()

    def deed() -> str:
        if failures:
            failures.pop()
            raise OperationalError("server closed the connection unexpectedly")
        return "done"

    assert patiently(deed, heard.append) == "done"
    assert len(heard) == 1
    failures.extend(range(1000))
    with pytest.raises(OperationalError):
        patiently(deed, seconds=0.05)


@pytest.mark.django_db(transaction=True)
def test_a_step_outlives_a_database_that_is_away(zoo: FakeZoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    round_, lost = begin(rows.study()), [1, 1]
    renew = RunQuerySet.update

    def update(self: Any, **values: Any) -> int:
        if "lease_until" in values and lost:
            lost.pop()
            raise OperationalError("could not receive data from server")
        return int(renew(self, **values))

    def cut(verb: str, request: Any) -> None:
        monkeypatch.setattr("learning.models.RunQuerySet.update", update)

    zoo.before = cut
    execute_run(round_.runs.get(), beat=False)
    assert lost == []
    assert round_.runs.get(step=Step.TRAIN).state == RunState.SUCCEEDED
    assert round_.runs.get(step=Step.TRAIN).attempt == 1


@pytest.mark.django_db(transaction=True)
def test_a_child_whose_worker_is_gone_gives_its_run_back_where_no_kernel_ends_it(
    zoo: FakeZoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARROWLOOP_PARENT", str(os.getppid() + 1))
    monkeypatch.setattr("learning.heart.LOOK_SECONDS", 0.05)
    zoo.before = lambda *_: time.sleep(30)
    run = execute_run(begin(rows.study()).runs.get())
    assert (run.state, run.attempt) == (RunState.QUEUED, 1)
    assert "is gone" in run.log.read_text()


@pytest.mark.django_db(transaction=True)
def test_told_to_end_in_the_midst_of_a_query_the_run_is_given_back_and_not_failed(zoo: FakeZoo) -> None:
    """The driver, whose wait was broken off, then says that another command is in progress."""

    def interrupted(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
        except StoppedError:
            raise OperationalError("sending query failed: another command is already in progress") from None

    zoo.before = interrupted
    run = execute_run(begin(rows.study()).runs.get())
    assert (run.state, run.error) == (RunState.QUEUED, "")
    zoo.before = None
    assert execute_run(run).state == RunState.SUCCEEDED
