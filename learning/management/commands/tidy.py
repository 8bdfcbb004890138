"""manage.py tidy: remove what has had its days."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.management.base import JsonCommand
from learning.actions.tidying import tidy
from learning.management.commands.execute_run import die_with_parent, step_back


class Command(JsonCommand):
    help = "Remove the working folders of ended attempts, and weights of models that nobody goes back to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--beside-people",
            action="store_true",
            help="Leave one core, and the first turn on all others, to those who work on this machine meanwhile.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        if options["beside_people"]:
            step_back()
        self.answer(tidy())
