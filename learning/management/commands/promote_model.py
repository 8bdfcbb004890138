"""manage.py promote_model: say which student predicts from now on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.errors import Refused
from annotation.management.base import JsonCommand, project_from
from learning.actions.models import deploy_model, find_model, roll_back


class Command(JsonCommand):
    help = "Deploy a model by hand, or go back to the one that was deployed before."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        parser.add_argument("model", nargs="?", help="Label (s1) or id of the model to deploy.")
        parser.add_argument("--back", action="store_true", help="Go back to what predicted before the present model.")
        parser.add_argument("--reason", default="promoted by hand", help="Kept with the deployment.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_from(options["project"])
        if bool(options["model"]) == bool(options["back"]):
            raise Refused("Name a model, or say --back: one of the two.")
        if options["back"]:
            deployment = roll_back(project=project, actor=None)
        else:
            model = find_model(project, options["model"])
            deployment = deploy_model(model=model, reason=options["reason"], actor=None)
        self.answer({"deployed": deployment.model.label, "id": deployment.model.pk, "reason": deployment.reason})
