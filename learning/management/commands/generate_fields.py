"""manage.py generate_fields: marrow-like pictures with exact contours, as a COCO data set."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotation.errors import Refused
from annotation.management.base import JsonCommand, Progress, progress
from models_zoo.generator import FieldSettings, GeneratedField, SetSettings, generate_set, write_set


class Command(JsonCommand):
    help = (
        "Draw marrow-like fields with known cells, for trying things out: COCO with exact contours, which "
        "import_dataset reads. The same seed gives the same pictures."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("out", type=Path, help="Folder to write the data set to.")
        parser.add_argument("--count", type=int, default=100, help="Number of fields (100).")
        parser.add_argument("--cases", type=int, default=10, help="Number of patients they come from (10).")
        parser.add_argument("--seed", type=int, default=0, help="Fixes every stroke (0).")
        parser.add_argument("--width", type=int, default=640, help="Width of a field in pixels (640).")
        parser.add_argument("--height", type=int, default=480, help="Height of a field in pixels (480).")
        parser.add_argument("--um-per-px", type=float, default=0.3, help="Micrometres a pixel (0.3).")

    def handle(self, *args: Any, **options: Any) -> None:
        field = FieldSettings(width=options["width"], height=options["height"], um_per_px=options["um_per_px"])
        cells = 0

        def counted(fields: Iterator[GeneratedField], bar: Progress) -> Iterator[GeneratedField]:
            nonlocal cells
            for number, one in enumerate(fields, start=1):
                cells += len(one.cells)
                bar(number, options["count"])
                yield one

        try:
            with progress("drawing", "fields") as bar:
                fields = generate_set(options["count"], options["seed"], options["cases"], SetSettings(field=field))
                write_set(options["out"], counted(fields, bar))
        except (ValueError, FileExistsError) as error:
            raise Refused(str(error)) from error
        self.answer({"out": str(options["out"]), "images": options["count"], "objects": cells, "seed": options["seed"]})
