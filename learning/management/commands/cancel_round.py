"""manage.py cancel_round: stop a round that is at work."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.errors import Refused
from annotation.management.base import JsonCommand, project_from
from learning.actions.rounds import cancel_round


class Command(JsonCommand):
    help = "Stop the round that is at work; run_round --resume takes it up again where it stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_from(options["project"])
        round_ = project.rounds.order_by("number").last()
        if round_ is None or not cancel_round(round_=round_, actor=None):
            raise Refused(f"{project.key} has no round at work.")
        round_.refresh_from_db()
        self.answer({"round": round_.number, "state": round_.state})
