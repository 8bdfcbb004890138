"""The frame of the benchmarks, and what keeps a benchmark honest: no twin in two parts, no part drawn twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import frame, looking, loop, pace, smears
from benchmarks.frame import CannotMeasureError, Outcome, Task
from tests.house.processes import ROOT


def picture(path: Path, seed: int, size: tuple[int, int] = (160, 120)) -> None:
    """Coarse noise, so that pictures of different seeds have nothing in common and a resized one is a twin."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((160, 120), Image.Resampling.BICUBIC).resize(size).save(path)


def data_set(root: Path, pictures: dict[str, tuple[int, tuple[int, int]]]) -> Path:
    for name, (seed, size) in pictures.items():
        picture(root / "images" / f"{name}.png", seed, size)
        labels = root / "labels" / f"{name}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text("0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.1 0.1\n0 0.5 0.5 0.25 0.5\n")
    (root / "data.yaml").write_text("names:\n  0: WBC\n  1: RBC\n")
    return root


def test_the_last_line_is_the_agreed_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def measure(task: Task) -> Outcome:
        task.say("measuring")
        return Outcome({"answer": 42, "unknown": None}, {"raw": [1, 2]})

    assert frame.run("trivial", "Measures nothing.", measure, ["--full", "--json"], tmp_path) == 0
    captured = capsys.readouterr()
    line = json.loads(captured.out.splitlines()[-1])
    assert set(line) == {"benchmark", "setting", "machine", "commit", "figures"}
    assert (line["benchmark"], line["setting"]) == ("trivial", "full")
    assert line["figures"] == {"answer": 42, "unknown": None}
    assert "core" in line["machine"]
    assert "/" not in line["machine"]
    assert "measuring" in captured.err
    kept = json.loads((tmp_path / "trivial" / "full.json").read_text())
    assert kept["details"] == {"raw": [1, 2]}


def test_what_is_missing_is_said_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARROWLOOP_DATA", str(tmp_path))
    assert frame.run("loop", "One round.", loop.measure, ["--json"], tmp_path / "results") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "txl-pbc" in captured.err
    assert "MARROWLOOP_DATA" in captured.err
    assert not (tmp_path / "results").exists()


def test_the_loop_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.loop", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"--small", "--full", "--json"} <= set(done.stdout.replace("]", " ").replace("[", " ").split())


def test_planted_twins_are_removed_and_the_test_part_stays_whole(tmp_path: Path) -> None:
    whole, small = (160, 120), (104, 78)
    names = {f"train/{seed}": (seed, whole) for seed in range(8)} | {f"val/{seed}": (seed, whole) for seed in (20, 21)}
    planted = {"train/twin-of-3": (3, small), "train/twin-of-20": (20, small), "val/twin-of-21": (21, small)}
    every = smears.read(data_set(tmp_path, names | planted))
    kept, dropped = smears.without_twins(every)
    pairs = {(f"{gone.split}/{gone.key}", f"{stay.split}/{stay.key}") for gone, stay in dropped}
    assert pairs == {
        ("train/twin-of-3", "train/3"),
        ("train/twin-of-20", "val/20"),
        ("val/twin-of-21", "val/21"),
    }
    assert sorted(smear.key for smear in kept) == sorted(name.partition("/")[2] for name in names)


def test_parts_keep_apart_and_labels_survive(tmp_path: Path) -> None:
    root = data_set(tmp_path / "set", {f"{s}/{s}{n}": (n, (160, 120)) for s in ("train", "val") for n in range(6)})
    every = smears.read(root)
    parts = smears.draw(every, {"train": 3, "pool": 2, "test": 4}, seed=1)
    assert [len(part) for part in parts.values()] == [3, 2, 4]
    assert not {smear.key for smear in parts["train"]} & {smear.key for smear in parts["pool"]}
    assert {smear.split for smear in parts["test"]} == {"val"}
    assert smears.draw(every, {"train": 3, "pool": 2, "test": 4}, seed=1) == parts
    with pytest.raises(CannotMeasureError, match="needs 9 pictures"):
        smears.draw(every, {"train": 9}, seed=1)
    yaml = smears.write(parts, smears.class_names(root), tmp_path / "out")
    written = (yaml.parent / "labels" / "test" / f"{parts['test'][0].key}.txt").read_text()
    assert written == "0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.1 0.1\n"
    truth = parts["test"][0].truth()
    np.testing.assert_allclose(truth.boxes, [[60, 30, 100, 90], [8, 6, 24, 18]])
    assert truth.labels.tolist() == [0, 1]


def test_a_letterboxed_picture_knows_its_way_back() -> None:
    image = np.zeros((363, 360, 3), np.uint8)
    resized, across, down = looking.letterboxed(image, 320)
    assert resized.shape == (320, 318, 3)
    assert (360 * across, 363 * down) == pytest.approx((318, 320))


def test_a_class_is_found_by_name() -> None:
    assert looking.columns_of(["rbc", "wbc"], ["WBC", "RBC", "Platelets"]) == [1, 0]


def test_seeds_are_averaged_with_their_spread() -> None:
    rows: list[dict[str, float | None]] = [{"a": 1.0, "b": None}, {"a": 3.0, "b": 2.0}]
    assert loop.mean_figures(rows) == {"a": 2.0, "a_spread": 1.4142, "b": None, "b_spread": None}
    assert loop.mean_figures(rows[:1]) == {"a": 1.0, "b": None}


def test_steps_are_counted_from_the_table_of_epochs(tmp_path: Path) -> None:
    table = tmp_path / "results.csv"
    table.write_text("epoch,time,train/box_loss\n1,10.5,2\n2,20,1\n")
    measured = pace.Pace(pace.ends_of(table), steps_per_epoch=5, threads=2)
    assert (measured.steps, measured.per_step) == (10, 2.0)
    assert [measured.of_epoch(0), measured.of_epoch(1)] == [2.1, 1.9]
