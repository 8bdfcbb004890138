"""manage.py simulate_annotator: label a batch from labels that were kept aside."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.actions.readings import reveal_oracle
from annotation.errors import Refused
from annotation.management.base import JsonCommand, progress, project_from
from annotation.models import BatchField


class Command(JsonCommand):
    help = "Label the fields of a batch from oracle labels, as an annotator would who always agrees with them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        parser.add_argument(
            "--round", type=int, metavar="N", help="Number of the round whose batch is labelled; the last."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_from(options["project"])
        batches = project.batches.filter(opened_at__isnull=False).order_by("number")
        batch = batches.filter(number=options["round"]).first() if options["round"] else batches.last()
        if batch is None:
            raise Refused(f"{project.key} has no such batch: run a round first.")
        waiting = BatchField.objects.waiting().filter(batch=batch).select_related("field__project").order_by("rank")
        labelled = cells = 0
        without: list[str] = []
        with progress("labelling", "fields") as bar:
            for done, row in enumerate(waiting, start=1):
                reading = reveal_oracle(field=row.field, client="simulate_annotator")
                if reading is None:
                    without.append(row.field.public_name)
                else:
                    labelled, cells = labelled + 1, cells + reading.cells.count()
                bar(done, len(waiting))
        self.answer({"round": batch.number, "fields": labelled, "cells": cells, "without_oracle_labels": without})
