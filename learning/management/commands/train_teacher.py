"""manage.py train_teacher: the first step of a round on its own."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.management.base import JsonCommand, project_from
from learning.actions.rounds import check_names
from learning.actions.runs import queue_run
from learning.management.watching import add_settings, settings_from, wait_for
from learning.states import Step


class Command(JsonCommand):
    help = "Train a teacher on what is labelled, measure it and let it pass its gate, without the rest of a round."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        add_settings(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        project, settings = project_from(options["project"]), settings_from(options)
        check_names(settings)
        run = queue_run(project=project, step=Step.TRAIN, settings=settings, round_=None, actor=None)
        run = wait_for(run)
        self.answer({"run": run.pk, "seconds": round(run.seconds, 2)} | run.result)
