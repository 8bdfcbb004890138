"""manage.py export_model: hand a model out as ONNX with all that is needed to use it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from annotation.management.base import JsonCommand, project_from
from learning.actions.handing_out import export_model
from learning.actions.models import find_model


class Command(JsonCommand):
    help = "Write a model as ONNX, with its class map, its card and a short script that runs it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        parser.add_argument("model", help="Label (t1, s1), id, or: deployed, teacher.")
        parser.add_argument("out", type=Path, help="Folder to write, new or empty.")

    def handle(self, *args: Any, **options: Any) -> None:
        model = find_model(project_from(options["project"]), options["model"])
        self.answer(export_model(model=model, out=options["out"]))
