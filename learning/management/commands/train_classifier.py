"""manage.py train_classifier: a network that names single cells, from the labelled cells of a project."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.errors import Refused
from annotation.management.base import JsonCommand, progress, project_from
from learning.actions.classifiers import Wish, train_classifier
from learning.management.scratch import scratch_folder
from models_zoo import machine
from models_zoo.records import Progress


class Command(JsonCommand):
    help = "Train a classifier of single cells on the labelled cells of a project, measure it and let it answer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Wish()
        parser.add_argument("project", help="Key of the project.")
        parser.add_argument("--backbone", default=usual.backbone, help="Any network that timm lists (resnet18).")
        parser.add_argument("--side", type=int, default=usual.side, help="Side of a crop, a multiple of 32 (224).")
        parser.add_argument("--epochs", type=int, default=usual.epochs, help="At most so many epochs (20).")
        parser.add_argument("--batch", type=int, default=usual.batch, help="Cells in one training step (16).")
        parser.add_argument(
            "--patience", type=int, default=usual.patience, help="End after so many epochs without a better one (5)."
        )
        parser.add_argument(
            "--min-cells",
            type=int,
            default=usual.min_cells,
            help="A class with fewer training cells counts as the one above it (20).",
        )
        parser.add_argument("--seed", type=int, default=0, help="Fixes every random draw (0).")
        parser.add_argument("--device", default="auto", help="auto, cpu, or the number of a GPU.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_from(options["project"])
        names = ("backbone", "side", "epochs", "batch", "patience", "min_cells", "seed")
        try:
            wish = Wish(**{name: options[name] for name in names}, device=machine.choose_device(options["device"]))
            with scratch_folder() as folder, progress("training", "epochs") as bar:

                def report(told: Progress) -> None:
                    bar(told.epoch, told.epochs)

                made = train_classifier(project=project, wish=wish, scratch=folder, actor=None, report=report)
        except ValueError as error:
            raise Refused(str(error)) from error
        kept = ("classes", "epochs", "best_epoch", "cells_trained_on", "notes")
        self.answer({"classifier": made.label} | {name: made.card[name] for name in kept} | {"metrics": made.metrics})
