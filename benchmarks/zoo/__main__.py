"""Every family of the zoo side by side: `python -m benchmarks.zoo [--small|--full] [--minutes M] [--device D]`.

Each cell of the plan is a job whose result is a JSON file in a work folder, so that a run that was broken off goes on.
README.md in the folder above defines every figure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import frame
from benchmarks.frame import Outcome, Task
from benchmarks.zoo import sets
from benchmarks.zoo.job import jobs_of, scratch
from benchmarks.zoo.pack import pack
from benchmarks.zoo.plan import SETTINGS, Job, Setting, figure_keys
from benchmarks.zoo.running import Runner, result_of
from benchmarks.zoo.tables import all_tables
from models_zoo import machine

# Seconds kept back from the budget for reading results and writing tables.
RESERVE = 8.0
# Jobs at once on one card: a small network leaves most of it idle.
AT_ONCE = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, help="do the most important jobs in this time, leave the rest null")
    parser.add_argument("--device", default="cpu", help="cpu, or the number of a GPU (cpu)")
    parser.add_argument("--processes", type=int, default=0, help="jobs at once (1 on a CPU, 10 on a GPU)")
    parser.add_argument("--work", type=Path, help="folder of results that a later call goes on from")
    parser.add_argument("--only", default="", help="do only jobs whose name holds this word")
    parser.add_argument(
        "--pack", type=Path, metavar="FOLDER", help="write the share of the real data it needs, and end"
    )


def measure(task: Task) -> Outcome:
    began = time.monotonic()
    options, setting = task.options, SETTINGS[task.setting]
    work = (options.work or Path(tempfile.gettempdir()) / f"marrowloop-zoo-{task.setting}").resolve()
    (work / "sets").mkdir(parents=True, exist_ok=True)
    if options.pack is not None:
        size = pack(options.pack, setting, work / "sets")
        task.say(f"packed {size / 1e6:.1f} MB into {options.pack}")
        return Outcome({"packed_mb": round(size / 1e6, 1)})
    jobs = [job for job in jobs_of(setting) if options.only in job.name]
    missing = prepare(setting, work / "sets", jobs, task)
    processes = options.processes or (1 if options.device == "cpu" else AT_ONCE)
    runner = Runner(
        task.setting,
        work,
        machine.choose_device(options.device),
        processes,
        max(1 if options.device == "cpu" else 2, machine.cores() // processes),
        None if options.minutes is None else began + options.minutes * 60 - RESERVE,
        task.say,
    )
    try:
        runner.run([job for job in jobs if _set_of(job) not in missing])
    finally:
        shutil.rmtree(scratch(work, runner.device), ignore_errors=True)
    return outcome(jobs, work, processes, missing)


def prepare(setting: Setting, folder: Path, jobs: list[Job], task: Task) -> dict[str, str]:
    """Make every set that the jobs need; answers with those that are missing, and why."""
    missing = {}
    for name in dict.fromkeys(_set_of(job) for job in jobs):
        try:
            world = sets.load(name, setting, folder)
        except FileNotFoundError as error:
            missing[name] = str(error)
            task.say(str(error))
            continue
        sizes = ", ".join(f"{split} {len(records)}" for split, records in world.splits.items())
        task.say(f"{name}: {sizes}")
    return missing


def _set_of(job: Job) -> str:
    return {
        "contour": "generated",
        "circle": "generated",
        "contour_shrunk": "generated",
        "circle_whole": "generated",
    }.get(job.kind, job.kind)


def outcome(jobs: list[Job], work: Path, processes: int, missing: dict[str, str]) -> Outcome:
    kept = [(job, result_of(work, job.name)) for job in jobs]
    results = [(job, one["figures"]) for job, one in kept if one is not None and "figures" in one]
    failed = {job.name: one["error"] for job, one in kept if one is not None and "error" in one}
    tables = all_tables(results)
    print(tables, file=sys.stderr)
    figures = figures_of(results)
    figures |= {"jobs_planned": len(jobs), "jobs_done": len(results), "jobs_failed": len(failed)}
    details: dict[str, Any] = {
        "tables": tables.splitlines(),
        "jobs_at_once": processes,
        "missing": missing,
        "failed": failed,
        "not_done": [job.name for job, one in kept if one is None],
        "jobs": {job.name: {"job": job.as_dict(), "figures": f} for job, f in results},
        "seconds": {job.name: one["seconds"] for job, one in kept if one is not None},
    }
    return Outcome(figures, details)


def figures_of(results: list[tuple[Job, dict[str, Any]]]) -> dict[str, float | int | None]:
    """The mean over the seeds that were measured, and with several their standard deviation as KEY_spread."""
    figures: dict[str, float | int | None] = {}
    by: dict[str, list[float]] = {}
    for job, found in results:
        for measure_name in ("f1_box", "f1_centre", "ap_box", "ap_centre", "fields_per_s"):
            value = found.get(measure_name)
            if job.what == "detector" and value is not None:
                by.setdefault(f"{job.group}_{job.kind}_{measure_name}", []).append(float(value))
    for key in dict.fromkeys([*figure_keys(), *by]):
        values = by.get(key, [])
        figures[key] = round(statistics.fmean(values), 4) if values else None
        if len(values) > 1:
            figures[f"{key}_spread"] = round(statistics.stdev(values), 4)
    return figures


def results_folder(words: list[str]) -> Path:
    """Where the outcome is kept: a part of the plan is no result of the benchmark, and stays out of its folder."""
    part = any(word.startswith(("--only", "--pack")) for word in words)
    return Path(tempfile.gettempdir()) / "marrowloop-zoo-parts" if part else frame.RESULTS


if __name__ == "__main__":
    os.environ.setdefault("YOLO_OFFLINE", "true")
    kept_in = results_folder(sys.argv[1:])
    sys.exit(frame.run("zoo", __doc__.partition("\n")[0], measure, results=kept_in, add=add_options))
