"""What a step is given: its run, its settings, a folder of its own, and the means to report and to be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.models import Project
from annotation.patience import patiently
from learning.actions.runs import renew_lease, report_epoch, report_progress
from learning.models import Round, Run
from learning.settings import RoundSettings, from_row
from learning.states import Step
from models_zoo import machine
from models_zoo.records import Progress

# Progress is a write to the database: not more often than this, in seconds.
PAUSE = 0.5


class StoppedError(BaseException):
    """The worker was told to end. Not an Exception, so that no library on the way swallows it."""


@dataclass
class Context:
    """`folder` belongs to this attempt alone; in `run.folder` an earlier attempt may have left something.

    `stopped` says whether the worker has to end: then the next report raises StoppedError. `seat`: the device that the
    runner has taken for this attempt; without one it is what the settings ask for.
    """

    run: Run
    stopped: Callable[[], bool] = bool
    seat: str = ""
    _last: float = field(default=0.0, repr=False)
    _doing: str = field(default="", repr=False)

    @property
    def project(self) -> Project:
        return self.run.project

    @property
    def round(self) -> Round | None:
        return self.run.round

    @property
    def settings(self) -> RoundSettings:
        return from_row(self.run.settings)

    @property
    def folder(self) -> Path:
        place = self.run.folder / f"attempt{self.run.attempt}"
        place.mkdir(parents=True, exist_ok=True)
        return place

    @property
    def device(self) -> str:
        """A student predicts on the CPU: a worker does so itself, which knows no torch and is warm."""
        if self.run.step == Step.PREDICT:
            return "cpu"
        return self.seat or machine.choose_device(self.settings.device)

    def say(self, doing: str, done: int = 0, total: int = 0, **more: Any) -> None:
        """Report what the step is doing; raises when the run is cancelled or belongs to someone else by now."""
        if self.stopped():
            raise StoppedError("told to end")
        now = time.monotonic()
        if doing == self._doing and done < total and now - self._last < PAUSE:
            return
        self._last, self._doing = now, doing
        said = {"doing": doing, "done": done, "total": total, **more}
        patiently(lambda: self._report(said))

    def _report(self, said: dict[str, Any]) -> None:
        renew_lease(self.run)
        report_progress(self.run, said)

    def counting(self, doing: str) -> Any:
        """A callback (done, total) that reports as `say` does."""
        return lambda done, total: self.say(doing, done, total)

    def epoch(self, progress: Progress) -> None:
        """Report one finished epoch of a training."""
        patiently(lambda: report_epoch(self.run, progress.epoch, progress.losses, progress.seconds))
        self.say(
            "training",
            progress.epoch,
            progress.epochs,
            losses={name: round(value, 4) for name, value in progress.losses.items()},
            seconds_left=round(progress.seconds_left, 1),
            notes=list(progress.notes),
        )
