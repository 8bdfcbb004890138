"""manage.py delete_predictions: take back what one model suggests."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from annotation.actions.predictions import delete_predictions
from annotation.management.base import JsonCommand, project_from
from learning.actions.models import find_model


class Command(JsonCommand):
    help = "Delete what a model suggests on all fields that nobody has begun to read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        parser.add_argument("model", help="Label (s1) or id of the model.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_from(options["project"])
        model = find_model(project, options["model"])
        done = delete_predictions(
            project=project, model_id=model.pk, model_label=model.label, actor=None, client="delete_predictions"
        )
        self.answer({"model": model.label, **asdict(done)})
