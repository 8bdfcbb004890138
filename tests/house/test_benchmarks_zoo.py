"""The plan of the benchmark of the zoo, its sets, its resumption and its tables: what holds before a training."""

from __future__ import annotations

import functools
import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import frame
from benchmarks.frame import CannotMeasureError
from benchmarks.zoo import __main__ as zoo
from benchmarks.zoo import published, sets, tables, twins
from benchmarks.zoo.job import jobs_of, learned, shrunk, truths_of
from benchmarks.zoo.plan import KINDS, SETTINGS, Job, figure_keys, plan
from benchmarks.zoo.running import Runner, done
from models_zoo import registry
from models_zoo.spec import Parameter, Preset, Spec

SMALL = SETTINGS["small"]


def spec(family: str, **more: Any) -> Spec:
    tiny = Preset(f"{family}-tiny", 128, 2, 4)
    return Spec(family, (f"{family}-tiny", f"{family}-r18"), "", "", "", "", "", 320, tiny, **more)


def test_the_plan_names_every_job_once_and_the_main_tables_come_first() -> None:
    known = [
        spec("yolo"),
        spec("unet", parameters=(Parameter("representation", "contour", "", choices=("contour", "care")),)),
    ]
    jobs = plan([*known, spec("classifier", kind="classifier")], SETTINGS["full"])
    assert len({job.name for job in jobs}) == len(jobs)
    main = [(job.group, job.kind, job.seed) for job in jobs[: 2 * 2 * 3]]
    assert set(main) == {(f, k, s) for f in ("yolo", "unet") for k in ("contour", "circle") for s in (0, 1, 2)}
    assert {job.group for job in jobs if job.group.startswith("unet_")} == {
        "unet_care"
    }  # the default is in the main table
    assert {job.kind for job in jobs if job.what == "detector"} == set(KINDS)
    assert {job.policy for job in jobs if job.what == "policy"} == {"background", "cell", "own"}
    assert {job.variant for job in jobs if job.group == "yolo"} == {"yolo-tiny"}  # the first, as no yolo26s is there


def test_every_family_of_the_zoo_has_its_jobs_and_its_keys() -> None:
    jobs = jobs_of(SMALL)
    for family in registry.families():
        assert {job.kind for job in jobs if job.group == family.family} >= set(KINDS), family.family
        assert f"{family.family}_contour_f1_box" in figure_keys()
    assert any(job.what == "classifier" for job in jobs)


def test_a_family_that_was_not_measured_is_null_and_seeds_are_averaged() -> None:
    job = Job("yolo-circle-0", "detector", "yolo", "circle", 0)
    figures = zoo.figures_of([(job, {"f1_box": 0.5, "ap_box": None}), (replace(job, seed=1), {"f1_box": 0.7})])
    assert figures["yolo_circle_f1_box"] == 0.6
    assert figures["yolo_circle_f1_box_spread"] == pytest.approx(0.1414)
    assert figures["yolo_circle_ap_box"] is None
    assert figures["unet_circle_f1_box"] is None


def small_world(tmp_path: Path) -> sets.World:
    return sets.generated(replace(SMALL, fields=10, cases=10, side=128), tmp_path)


def test_generated_fields_hold_artefacts_and_split_by_case(tmp_path: Path) -> None:
    world = small_world(tmp_path)
    targets = [t for records in world.splits.values() for record in records for t in record.targets]
    share = np.mean([world.classes[target.label] == sets.ARTEFACT for target in targets])
    assert 0.15 < share < 0.65
    assert world.notes["split by"] == "case"
    assert all(world.splits[split] for split in sets.SPLITS)
    weak = sets.weakened(world, 1)
    assert {t.kind for r in weak.splits["training"] for t in r.targets} == {"circle"}
    assert weak.splits["test"] == world.splits["test"]


def test_what_a_job_learns_follows_its_policy_and_its_classes(tmp_path: Path) -> None:
    world = small_world(tmp_path)
    job = Job("x", "detector", "yolo", "contour", 0)
    whole = sum(len(record.targets) for record in world.splits["test"])
    counts = {}
    for policy in ("background", "cell", "own"):
        classes, parts = learned(world, replace(job, policy=policy), False, 1.0)
        counts[policy] = (len(classes), sum(len(record.targets) for record in parts["test"]))
    assert counts["cell"] == (1, whole)
    assert counts["own"] == (2, whole)
    assert counts["background"][1] < whole
    classes, parts = learned(world, replace(job, classes="lineage"), False, 1.0)
    assert sets.ARTEFACT not in classes
    assert max(t.label for records in parts.values() for r in records for t in r.targets) < len(classes)


def test_shrunk_contours_keep_their_middle(tmp_path: Path) -> None:
    record = small_world(tmp_path).splits["training"][0]
    before, after = (truths_of([one])[one.key].boxes for one in (record, shrunk(record, 0.9)))
    assert (after[:, :2] + after[:, 2:]) / 2 == pytest.approx((before[:, :2] + before[:, 2:]) / 2)
    assert (after[:, 2:] - after[:, :2]) / (before[:, 2:] - before[:, :2]) == pytest.approx(
        np.full((len(before), 2), 0.9)
    )


def test_twins_of_another_set_and_inside_go_and_val_stays_whole(tmp_path: Path) -> None:
    def picture(path: Path, seed: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3)).astype(np.uint8)
        Image.fromarray(coarse).resize((160, 120), Image.Resampling.BICUBIC).save(path)
        return path

    for split, name, seed in (
        ("train", "a", 1),
        ("train", "b", 2),
        ("train", "twin", 5),
        ("val", "v", 5),
        ("val", "w", 6),
    ):
        picture(tmp_path / "images" / split / f"{name}.png", seed)
        label = tmp_path / "labels" / split / f"{name}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("0 0.5 0.5 0.2 0.2\n")
    kept, gone = twins.apart(twins.pictures_of(tmp_path), [picture(tmp_path / "bccd" / "x.png", 2)])
    assert sorted(one.key for one in kept) == ["a", "v", "w"]
    assert gone == {"twins of BCCD": 1, "twins inside": 1}


def runner(folder: Path, **changes: Any) -> Runner:
    return Runner(**{"setting": "small", "work": folder, "device": "cpu", "processes": 2, "threads": 1, "until": None,
                     "say": lambda _: None, **changes})  # fmt: skip


def sleeping(begin: Any, _words: list[str], **more: Any) -> Any:
    """In place of a job, something that would last for minutes."""
    return begin(["sleep", "300"], **more)


def write_result(folder: Path, job: Job, **content: Any) -> None:
    (folder / "results").mkdir(exist_ok=True)
    (folder / "results" / f"{job.name}.json").write_text(json.dumps({"job": job.as_dict(), "seconds": 1.0, **content}))


def test_what_is_done_is_skipped_and_what_failed_or_changed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [Job(name, "detector", "yolo", "circle", 0) for name in ("done", "failed", "changed", "new")]
    write_result(tmp_path, jobs[0], figures={"f1_box": 0.5})
    write_result(tmp_path, jobs[1], error="ValueError: no")
    write_result(tmp_path, replace(jobs[2], epochs=7), figures={})
    assert [done(tmp_path, job) for job in jobs] == [True, False, False, False]
    started: list[str] = []
    monkeypatch.setattr(Runner, "_start", lambda _, name: started.append(name))
    runner(tmp_path).run(jobs)
    assert started == ["failed", "changed", "new"]


def test_the_time_is_kept_and_nothing_is_left_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Runner, "_start", None)  # a job that was begun after its time would raise
    jobs = [Job(f"j{number}", "detector", "yolo", "circle", 0) for number in range(3)]
    mine = runner(tmp_path, until=time.monotonic() - 1)
    mine.run(jobs)
    assert not mine.running
    assert not list((tmp_path / "logs").iterdir())

    monkeypatch.undo()
    monkeypatch.setattr(subprocess, "Popen", functools.partial(sleeping, subprocess.Popen))
    busy = runner(tmp_path, until=time.monotonic() + 0.5)
    busy.run(jobs)
    assert not busy.running


def test_a_part_of_the_plan_is_not_kept_as_the_result() -> None:
    assert zoo.results_folder(["--full", "--minutes", "8"]) == frame.RESULTS
    assert zoo.results_folder(["--only", "yolo"]) != frame.RESULTS


def test_missing_data_are_said_and_null(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARROWLOOP_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="bm-graz is missing"):
        sets.load("graz", SMALL, tmp_path)
    assert not issubclass(FileNotFoundError, CannotMeasureError)


def test_tables_stand_beside_the_published_ones() -> None:
    found = {"f1_box": 0.9, "f1_centre": 0.91, "ap_box": 0.92, "ap_centre": 0.93, "anms_f1_box": 0.95}
    jobs = [Job(f"unet-contour-{seed}", "detector", "unet", "contour", seed) for seed in (0, 1)]
    liu = Job("liu-base-0", "detector", "liu_base", "contour", 0)
    row = [0.5, 0.4, 0.44, 0.45, 30]
    macro = {"recall": 0.5, "precision": 0.4, "f1": 0.44}
    text = tables.all_tables(
        [*[(job, found) for job in jobs], (liu, {**found, "macro": macro, "per_class": {"lym": row}})]
    )
    assert "| unet | 90.0 ±0.0 (2) | 93.2 |" in text
    assert "| published: our method | 0.710 | 0.496 | 0.575 | 0.533 |" in text
    assert "| unet contour | 90.0 ±0.0 (2) | 95.0 ±0.0 (2) |" in text
    assert "| lym | 0.50 (1), 0.40 (1), 0.44 (1), 0.45 (1) |" in text
    assert published.representation("unet_dont_care") == ("don't care label", (33.9, 91.8, 13.2, 91.7))
    assert published.representation("unet_scaled")[0] == "scaled statistical function"  # type: ignore[index]
