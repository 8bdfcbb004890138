"""What commands that wait for runs share: the options of a round, and bars that follow a run's row."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from tqdm import tqdm

from annotation.errors import Refused
from learning import strategies
from learning.models import Run
from learning.runner import supervise
from learning.settings import RoundSettings
from learning.states import RunState

NAMES = {field.name for field in fields(RoundSettings)}


TEACHER = "Model to train: auto (the largest for this machine), yolo26s, ..."


def add_settings(parser: ArgumentParser, teacher: str = TEACHER) -> None:
    """The options that become RoundSettings; `teacher` says what the command understands by one."""
    standard = RoundSettings()
    parser.add_argument("--teacher", default=standard.teacher, help=teacher)
    parser.add_argument("--student", default=standard.student, help="Small model that is deployed (yolo26n).")
    parser.add_argument(
        "--imgsz",
        dest="tile",
        type=int,
        default=standard.tile,
        help="Side, in working pixels, of the tile that the network sees; a multiple of 32 (320).",
    )
    parser.add_argument("--epochs", type=int, default=0, help="Epochs of the teacher; chosen by the data if left out.")
    parser.add_argument(
        "--student-epochs", type=int, default=0, help="Epochs of the student; as the teacher's if left out."
    )
    parser.add_argument("--batch", type=int, default=0, help="Tiles in one training step; 8 or 16 if left out.")
    parser.add_argument("--budget", type=int, default=standard.budget, help="Fields that the batch asks for (20).")
    parser.add_argument(
        "--strategy",
        default=standard.strategy,
        help=f"How the pool is ranked: {', '.join(strategies.STRATEGIES)} ({standard.strategy}).",
    )
    parser.add_argument("--seed", type=int, default=0, help="Fixes every random draw (0).")
    parser.add_argument("--device", default="auto", help="auto, cpu, or the number of a GPU.")
    parser.add_argument(
        "--artefacts",
        choices=["own", "background", "cell"],
        default=standard.artefacts,
        help="Learn smudges and artefacts as classes of their own, as background, or as cells (own).",
    )
    parser.add_argument(
        "--anms",
        type=float,
        default=standard.anms,
        help="Drop a box of which more than this share lies within a larger one, 0.5 to 1; 0 keeps all (0).",
    )
    parser.add_argument(
        "--min-cells", type=int, default=standard.min_cells, help="Smaller classes are rolled up to their lineage (30)."
    )
    parser.add_argument(
        "--patience", type=int, default=0, help="End a training after so many epochs without gain; 0: never (0)."
    )


def settings_from(options: dict[str, Any]) -> RoundSettings:
    """Raises Refused, in words, for a value that cannot be."""
    try:
        return RoundSettings(**{name: value for name, value in options.items() if name in NAMES})
    except ValueError as error:
        raise Refused(str(error)) from error


@contextmanager
def bar() -> Iterator[Bar]:
    with tqdm(file=sys.stderr, mininterval=0.5, bar_format="{desc} {bar} {n_fmt}/{total_fmt} {postfix}") as line:
        yield Bar(line)


class Bar:
    """Follows the progress of run after run on standard error."""

    def __init__(self, line: tqdm[Any]) -> None:
        self._line = line
        self._shown: tuple[Any, ...] = ()

    def __call__(self, run: Run) -> None:
        progress = run.progress
        doing, done, total = progress.get("doing", run.state), progress.get("done", 0), progress.get("total") or 1
        if self._shown == (run.pk, run.attempt, doing, done, total):
            return  # nothing is new: a log file need not hear of it twice a second
        self._shown = (run.pk, run.attempt, doing, done, total)
        self._line.total, self._line.n = total, min(done, total)
        attempt = f" (attempt {run.attempt})" if run.attempt > 1 else ""
        self._line.set_description_str(f"{run.step}{attempt}: {doing}", refresh=False)
        self._line.set_postfix_str(_losses(progress), refresh=False)
        self._line.refresh()


def _losses(progress: dict[str, Any]) -> str:
    losses = ", ".join(f"{name} {value:.2f}" for name, value in list(progress.get("losses", {}).items())[:3])
    left = progress.get("seconds_left")
    return f"{losses}, {left:.0f} s left" if left is not None else losses


def wait_for(run: Run) -> Run:
    """Supervise one run to its end. Raises Refused when it did not succeed."""
    with bar() as follow:
        run = supervise(run, follow)
    if run.state != RunState.SUCCEEDED:
        raise Refused(f"{run.step} {run.state}: {run.error or 'it was asked to stop'} The log is {run.log}.")
    return run
