"""manage.py execute_run: do one run in this process, as a worker's subprocess does."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from annotation.management.base import JsonCommand
from learning.models import Run
from learning.runner import execute_run
from learning.states import RunState

PR_SET_PDEATHSIG = 1


class Command(JsonCommand):
    help = "Execute one waiting run here and now: the one way in which a step of a round is done."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "run", type=int, metavar="ID", help="Number of the run (see run_round, or the round's page)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        run = Run.objects.filter(pk=options["run"]).select_related("project", "round").first()
        if run is None:
            raise CommandError(f"There is no run {options['run']}.")
        run = execute_run(run)
        if run.state == RunState.FAILED:
            raise CommandError(f"Run {run.pk} ({run.step}) failed: {run.error} The log is {run.log}.")
        self.answer({"run": run.pk, "step": run.step, "state": run.state, "attempt": run.attempt} | run.result)


def die_with_parent() -> None:
    """Ask Linux to kill this process when its worker dies, and make sure that it has not died already."""
    parent = os.environ.get("MARROWLOOP_PARENT")
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        raise CommandError("The worker that started this run is gone; another one will take it up.")
