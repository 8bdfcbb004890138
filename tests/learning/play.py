"""Playing rounds in this process, run by run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from annotation.models import Project
from learning import steps
from learning.actions.rounds import start_round, waiting_run
from learning.models import Round, Run
from learning.runner import execute_run
from learning.settings import RoundSettings
from learning.steps.context import Context
from learning.steps.publishing import Publish

SETTINGS = RoundSettings(teacher="yolo26n", epochs=2, budget=3, min_cells=5, device="cpu")


def begin(project: Project, **changes: Any) -> Round:
    return start_round(project=project, settings=replace(SETTINGS, **changes), actor=None)


def play(round_: Round, runs: int = 4) -> Round:
    """Executes the runs that wait, at most so many of them."""
    for _ in range(runs):
        run = waiting_run(round_)
        if run is None:
            break
        execute_run(run, beat=False)
    round_.refresh_from_db()
    return round_


def perform(run: Run) -> Publish:
    """Does the step of a claimed run and leaves the publishing to the caller."""
    run.folder.mkdir(exist_ok=True)
    return steps.perform(Context(run))


def states(round_: Round) -> dict[str, str]:
    return {run.step: run.state for run in round_.runs.order_by("pk")}
