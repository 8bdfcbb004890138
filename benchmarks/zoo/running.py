"""The jobs of a plan, side by side in processes, within a budget of minutes; what is done already is skipped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.frame import ROOT
from benchmarks.zoo.plan import Job

Say = Callable[[str], None]


@dataclass
class Runner:
    """`processes` jobs at once, each with `threads`; `until` on time.monotonic, None for no limit."""

    setting: str
    work: Path
    device: str
    processes: int
    threads: int
    until: float | None
    say: Say
    running: dict[str, tuple[subprocess.Popen[bytes], float]] = field(default_factory=dict)

    def run(self, jobs: Sequence[Job]) -> None:
        """Do all that is not done; what runs when the time is over is ended, and stays to be done."""
        waiting = [job.name for job in jobs if not done(self.work, job)]
        self.say(f"{len(jobs)} jobs, {len(jobs) - len(waiting)} done before, {self.processes} at once")
        (self.work / "results").mkdir(parents=True, exist_ok=True)
        (self.work / "logs").mkdir(exist_ok=True)
        try:
            while waiting or self.running:
                if self._over():
                    self.say(f"the time is over: {len(waiting)} jobs not begun, {len(self.running)} ended")
                    return
                while waiting and len(self.running) < self.processes:
                    self._start(waiting.pop(0))
                self._collect()
                time.sleep(0.2)
        finally:
            self._end()

    def _over(self) -> bool:
        return self.until is not None and time.monotonic() >= self.until

    def _start(self, name: str) -> None:
        words = [sys.executable, "-m", "benchmarks.zoo.job", self.setting, str(self.work), name, self.device]
        counted = {name: str(self.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        with (self.work / "logs" / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*words, str(self.threads)],
                cwd=ROOT,
                env=os.environ | counted,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running[name] = (process, time.monotonic())

    def _collect(self) -> None:
        for name, (process, began) in list(self.running.items()):
            if process.poll() is not None:
                del self.running[name]
                words = "done" if process.returncode == 0 else "FAILED, see its log"
                self.say(f"{name}: {words} after {time.monotonic() - began:.0f} s")

    def _end(self) -> None:
        for process, _ in self.running.values():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            process.wait()
        self.running.clear()


def result_of(work: Path, name: str) -> dict[str, Any] | None:
    """What the job of that name left; None where it has not been done."""
    path = work / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def done(work: Path, job: Job) -> bool:
    """Whether this very job was measured: a failed one, or one with other settings, is done again."""
    kept = result_of(work, job.name)
    return kept is not None and "figures" in kept and kept["job"] == json.loads(json.dumps(job.as_dict()))
