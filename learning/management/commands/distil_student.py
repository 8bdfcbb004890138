"""manage.py distil_student: the third step of a round on its own."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from annotation.management.base import JsonCommand, project_from
from learning.actions.models import find_model
from learning.actions.rounds import check_names
from learning.actions.runs import queue_run
from learning.management.watching import add_settings, settings_from, wait_for
from learning.states import Step


class Command(JsonCommand):
    help = "Distil the teacher into a student and deploy it if it passes its gate, without the rest of a round."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        add_settings(parser, teacher="Teacher to learn from: label (t1), id, or auto, the newest that passed (auto).")

    def handle(self, *args: Any, **options: Any) -> None:
        project, settings = project_from(options["project"]), settings_from(options)
        check_names(replace(settings, teacher="auto"))
        if settings.teacher != "auto":
            find_model(project, settings.teacher)
        run = queue_run(project=project, step=Step.DISTIL, settings=settings, round_=None, actor=None)
        run = wait_for(run)
        self.answer({"run": run.pk, "seconds": round(run.seconds, 2)} | run.result)
