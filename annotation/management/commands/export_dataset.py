"""manage.py export_dataset: a project's labels as COCO or Pascal VOC."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from annotation.actions.exports import FORMATS, export_dataset
from annotation.management.base import JsonCommand, progress, project_from
from annotation.models import Split


class Command(JsonCommand):
    help = "Write the current readings of a project into an archive, with a manifest that counts every object."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        parser.add_argument(
            "out", type=Path, metavar="OUT.zip", help="Archive to write; one that is there is replaced."
        )
        parser.add_argument(
            "--format", required=True, choices=FORMATS, help="coco (one JSON file) or voc (XML a field)."
        )
        parser.add_argument("--split", choices=Split.values, help="Only the fields of this split; all if left out.")
        parser.add_argument("--images", action="store_true", help="Put the pictures into the archive as well.")
        parser.add_argument("--name", default="", help="Name the snapshot, which makes it a release.")

    def handle(self, *args: Any, **options: Any) -> None:
        with progress("exporting", "fields") as bar:
            exported = export_dataset(
                project=project_from(options["project"]),
                out=options["out"],
                format=options["format"],
                split=options["split"],
                images=options["images"],
                name=options["name"],
                report=bar,
            )
        self.answer(asdict(exported))
