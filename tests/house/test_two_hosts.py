"""Pages, data and people on one host, the training on another, and the line between them is cut in the middle of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.house.hosts import Hosts, hosts, why_not
from tests.house.product import wait_until

# The whole minute by MARROWLOOP_TEST_CUT=60: leases and keep-alives are shorter here, so that less shows the same.
CUT_SECONDS = float(os.environ.get("MARROWLOOP_TEST_CUT", "15"))
EPOCHS = 4


@pytest.fixture
def two() -> Iterator[Hosts]:
    if why := why_not():
        pytest.skip(f"no two hosts: {why}")
    with hosts() as made:
        yield made


def save_on_the_first(two: Hosts, desks: object, seconds: float) -> list[dict[str, object]]:
    """People go on labelling: what became of each save."""
    log = two.folder / "saved.jsonl"
    plan = {"port": 8000, "desks": desks, "every": 1.0, "seconds": seconds, "log": str(log)}
    words = two.on("first", sys.executable, "-m", "benchmarks.readers_load")
    subprocess.run(words, input=json.dumps(plan), text=True, check=True, timeout=seconds + 60)
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.setup
@pytest.mark.early
def test_a_round_ends_though_the_line_is_cut_and_nothing_is_lost_or_done_twice(two: Hosts) -> None:
    two.ask("first", "-m", "config.part", "setup")
    desks = json.loads(two.ask("first", "-m", "benchmarks.readers_desks", "seed", "12").splitlines()[-1])
    for part in ("web", "light"):
        two.start("first", part, [sys.executable, "-m", "config.part", part])
    two.start("second", "train", [sys.executable, "-m", "config.part", "train"])
    wait_until(lambda: len(two.rows("select 1 from annotation_worker")) == 2, "both workers", 300)
    words = [
        "--epochs",
        str(EPOCHS),
        "--student-epochs",
        "2",
        "--budget",
        "2",
        "--teacher",
        "yolo26n",
        "--imgsz",
        "320",
    ]
    two.ask("first", "manage.py", "run_round", "readers", *words)

    wait_until(lambda: two.rows("select 1 from learning_epoch"), "the first epoch")
    two.cut(cut=True)
    began = time.monotonic()
    saves = save_on_the_first(two, desks, 5.0)
    time.sleep(max(0.0, CUT_SECONDS - (time.monotonic() - began)))
    (held,) = two.rows("select state, step, attempt, lease_until < now() from learning_run order by id limit 1")
    two.cut(cut=False)
    assert held[3] or held[0] == "succeeded", "the cut was too short to matter: the lease had not even run out"
    assert {save["status"] for save in saves} <= {"saved", "stale"}, "people on the first host notice nothing"
    assert len(saves) >= 50

    def ended() -> bool:
        (state,) = two.rows("select state from learning_round")[0]
        assert state not in {"failed", "cancelled"}, two.rows("select step, state, error from learning_run")
        return bool(state == "labelling")

    wait_until(ended, "the end of the round")

    # Nothing is done twice: each run succeeded once, each epoch is there once, one model of each kind, one batch.
    ends = "select run_id, count(*) from learning_transition where new = 'succeeded' and run_id is not null group by 1"
    assert {number for _, number in two.rows(ends)} == {1}
    steps = two.rows("select step, count(*) from learning_run group by 1")
    assert all(number == 1 for _, number in steps), steps
    of_train = "select number from learning_epoch where run_id = (select min(id) from learning_run) order by 1"
    epochs = two.rows(of_train)
    assert [number for (number,) in epochs] == list(range(1, EPOCHS + 1))
    labels = [label for (label,) in two.rows("select label from learning_modelversion")]
    assert sorted(labels) == sorted(set(labels))
    assert "t1" in labels
    assert two.rows("select count(*) from annotation_batch") == [(1,)]
    train = two.rows("select attempt, worker from learning_run where step = 'train'")
    print(f"cut for {CUT_SECONDS} s; the training ended in attempt {train[0][0]}", file=sys.stderr)

    # Nothing is lost: every save that was answered is there, and the model of one host is read on the other.
    checked = json.loads(two.ask("first", "-m", "benchmarks.readers_desks", "check", str(two.folder / "saved.jsonl")))
    assert (checked["lost"], checked["overwritten"]) == (0, 0)
    assert checked["saves"] >= 20
    assert not list((two.folder / "first" / "models" / "readers").glob("t1-*/weights.pt")), "they share no folder"
    assert list((two.folder / "second" / "models" / "readers").glob("t1-*/weights.pt"))
    exported = two.ask("first", "manage.py", "export_model", "readers", "t1", str(two.folder / "out"), "--json")
    assert json.loads(exported.splitlines()[-1])["model"] == "t1"
