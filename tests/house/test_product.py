"""The product as processes: a round that is killed, cancelled and stopped in every way, and still ends as it should."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.product import Product, wait_until
from tests.house.test_watch import toy_points

pytestmark = [pytest.mark.setup, pytest.mark.timed]

EPOCHS, STUDENT_EPOCHS, BUDGET = 8, 2, 2
OPTIONS = ["--teacher", "yolo26n", "--imgsz", "96", "--batch", "2", "--min-cells", "1", "--device", "cpu"]
TRAIN = "select {} from learning_run where step = 'train'"
# Time for SIGTERM, for SIGKILL three seconds later, and for the row.
CANCEL_SECONDS = 5.0


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    made = Product(tmp_path)
    yield made
    made.end()


def epochs(product: Product) -> int:
    return int(product.value("select count(*) from learning_epoch e join learning_run r on r.id = e.run_id"
                             " where r.step = 'train'"))  # fmt: skip


def worker(product: Product) -> int:
    """The process that trains."""
    return int(product.value(TRAIN.format("worker")).rsplit(":", 2)[1])


def wait_for_epoch_of(product: Product, attempt: int, round_: subprocess.Popen[str]) -> int:
    """Waits until this attempt has finished an epoch of its own, and returns its process."""

    def done() -> bool:
        assert round_.poll() is None, product.said()
        found = product.value(f"select count(*) from learning_epoch where attempt = {attempt}")  # noqa: S608
        return bool(found)

    wait_until(done, f"an epoch of attempt {attempt}")
    assert epochs(product) < EPOCHS, "the training was over before it could be broken"
    return worker(product)


def is_gone(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def prepare(product: Product) -> None:
    data = toy_points(product.folder / "points")
    product.ask("create_project", "discs")
    imported = product.ask("import_dataset", "discs", str(data), "--radius-px", "12", "--oracle", "0.4")
    assert imported["images"] == 24
    assert imported["rejected"] == []


def test_a_round_that_is_killed_cancelled_and_stopped_ends_as_if_nothing_had_been(product: Product) -> None:
    prepare(product)
    numbers = ["--epochs", str(EPOCHS), "--student-epochs", str(STUDENT_EPOCHS), "--budget", str(BUDGET)]

    # The training child is killed: the command that waits starts it again, from its last checkpoint.
    round_ = product.start("run_round", "discs", *OPTIONS, *numbers, "--wait")
    os.kill(wait_for_epoch_of(product, 1, round_), signal.SIGKILL)

    # All of it is killed: no child goes on alone, and the round can be taken up.
    child = wait_for_epoch_of(product, 2, round_)
    os.killpg(round_.pid, signal.SIGKILL)
    round_.communicate()
    wait_until(lambda: is_gone(child), "the child of a killed command to end", 5)
    assert product.rows(TRAIN.format("state, attempt")) == [("running", 2)]
    round_ = product.start("run_round", "discs", "--resume", "--wait")

    # Another process cancels it.
    child = wait_for_epoch_of(product, 3, round_)
    cancelled = product.ask("cancel_round", "discs")
    took = wait_until(lambda: is_gone(child), "a cancelled training to end", CANCEL_SECONDS)
    took += wait_until(lambda: product.value("select state from learning_round") == "cancelled", "the round", 2)
    assert took < CANCEL_SECONDS
    assert cancelled["round"] == 1
    round_.communicate(timeout=30)
    assert round_.returncode == 1
    assert "Round 1 cancelled in train" in product.said()
    assert product.rows(TRAIN.format("state, cancel_requested")) == [("cancelled", 0)]

    # Taken up again, its child is told to stop: it gives the run back, and the waiting command goes on to the end.
    round_ = product.start("run_round", "discs", "--resume", "--wait")
    child = wait_for_epoch_of(product, 4, round_)
    os.kill(child, signal.SIGTERM)
    wait_until(lambda: is_gone(child), "the child to end", 10)
    answer = product.answer_of(round_)

    assert answer["state"] == "labelling"
    assert answer["runs"]["train"] == {"id": 1, "state": "succeeded", "attempt": 5}
    numbers_and_runs = product.rows("select run_id, number from learning_epoch order by 1, 2")
    assert [number for run, number in numbers_and_runs if run == 1] == list(range(1, EPOCHS + 1))
    moves = product.rows("select new, attempt, why from learning_transition where run_id = 1 and old = 'running'")
    assert [(new, attempt) for new, attempt, _ in moves] == [
        ("running", 2),
        ("running", 3),
        ("cancelled", 3),
        ("queued", 4),
        ("succeeded", 5),
    ]
    assert moves[3][2] == "its worker stopped"
    assert product.rows("select kind, count(*) from learning_modelversion group by 1 order by 1") == (
        [("student", 1), ("teacher", 1)] if answer["student"] else [("teacher", 1)]
    )
    assert answer["teacher"]["epochs"] == EPOCHS
    assert product.rows("select count(*), count(distinct batch_id) from annotation_batchfield") == [(BUDGET, 1)]
    assert len(answer["batch"]) == BUDGET
    assert answer["predictions"] == product.value("select count(*) from annotation_prediction")
    assert len(list((product.folder / "data" / "models" / "discs").iterdir())) == 1 + bool(answer["student"])
    assert product.processes() == []
    assert product.strays() == []
