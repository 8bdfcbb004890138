"""manage.py execute_run: do one run in this process, as a worker's subprocess does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from annotation import store
from annotation.management.base import JsonCommand
from learning.heart import is_orphan
from learning.models import Run
from learning.runner import NOT_TO_BE_HAD, NotToBeHadError, execute_run
from learning.states import RunState

PR_SET_PDEATHSIG = 1


class Command(JsonCommand):
    help = "Execute one waiting run here and now: the one way in which a step of a round is done."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "run", type=int, metavar="ID", help="Number of the run (see run_round, or the round's page)."
        )

        parser.add_argument(
            "--beside-people",
            action="store_true",
            help="Leave one core, and the first turn on all others, to those who work on this machine meanwhile.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        store.be_patient()
        if options["beside_people"]:
            step_back()
        run = Run.objects.filter(pk=options["run"]).select_related("project", "round").first()
        if run is None:
            raise CommandError(f"There is no run {options['run']}.")
        try:
            run = execute_run(run, share_cpu=not options["beside_people"])
        except NotToBeHadError as other:
            raise CommandError(str(other), returncode=NOT_TO_BE_HAD) from other
        if run.state == RunState.FAILED:
            raise CommandError(f"Run {run.pk} ({run.step}) failed: {run.error} The log is {run.log}.")
        self.answer({"run": run.pk, "step": run.step, "state": run.state, "attempt": run.attempt} | run.result)


def step_back() -> None:
    """Take what others leave: lowest priority, all cores but one.

    A new session is a scheduling group of its own on Linux, inside which niceness counts only against itself: the
    group's own niceness is what others feel. Everything that asks how many cores there are then uses one fewer.
    """
    os.nice(19)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[1:] or cores)


def die_with_parent() -> None:
    """Ask Linux to kill this process when its worker dies, and make sure that it has not died already."""
    if "MARROWLOOP_PARENT" in os.environ and sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if is_orphan():
        raise CommandError("The worker that started this run is gone; another one will take it up.")
