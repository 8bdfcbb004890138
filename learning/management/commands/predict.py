"""manage.py predict: let a model suggest cells on fields."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from annotation.actions.predictions import publish_predictions
from annotation.errors import Refused
from annotation.management.base import JsonCommand, progress, project_from
from annotation.models import Field, Project
from learning.actions.models import find_model
from learning.management.scratch import scratch_folder
from learning.steps.predict import predict_fields
from models_zoo import machine


class Command(JsonCommand):
    help = "Store what a model suggests on fields; a field that this model has predicted before is left as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        parser.add_argument("--model", default="deployed", help="Label (t1, s1), id, or: deployed, teacher (deployed).")
        parser.add_argument(
            "--fields",
            nargs="+",
            metavar="FIELD",
            help="Codes, CASE-FIELD names or original names; all unlabelled fields if left out.",
        )
        parser.add_argument("--device", default="auto", help="auto, cpu, or the number of a GPU.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_from(options["project"])
        model = find_model(project, options["model"])
        fields = _fields(project, options["fields"])
        began = time.monotonic()
        try:
            device = machine.choose_device(options["device"])
        except ValueError as error:
            raise Refused(str(error)) from error
        with scratch_folder() as folder, progress("predicting", "fields") as bar:
            predicted = predict_fields(model, fields, folder / "found.npz", device, bar)
        stored = publish_predictions(
            project=project,
            model_id=model.pk,
            model_label=model.label,
            fields=fields,
            suggestions=predicted.suggestions,
        )
        seconds = round(time.monotonic() - began, 2)
        self.answer(
            {
                "model": model.label,
                "fields": len(fields),
                "predictions": stored,
                "shown": predicted.shown,
                "threshold": model.threshold,
                "seconds": seconds,
            }
        )


def _fields(project: Project, names: list[str] | None) -> list[Field]:
    fields = Field.objects.filter(project=project).select_related("case").order_by("pk")
    if names is None:
        return list(fields.unlabelled())
    known: dict[str, Field] = {}
    for field in fields:
        known |= {field.code: field, field.public_name: field, field.original_name: field}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Refused(f"{project.key} has no field called {', '.join(unknown)}.")
    return [known[name] for name in names]
