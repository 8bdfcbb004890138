"""manage.py restore: an installation from an archive that `backup` wrote."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from annotation.management.base import JsonCommand, progress
from learning.actions.restoring import restore


class Command(JsonCommand):
    help = "Bring all rows and files of a backup back, verify them, and print what came back."
    makes_tables = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path, metavar="ARCHIVE.zip", help="What `backup` wrote.")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="Put the backup in the place of what is there, which is moved into a folder beside it.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with progress("restoring", "files") as bar:
            manifest, aside = restore(archive=options["archive"], replace=options["replace"], told=bar)
        self.answer(
            {
                "made_at": manifest.made_at,
                "rows": {name: entry.rows for name, entry in manifest.tables.items() if entry.rows},
                "files": len(manifest.files),
                "bytes": manifest.bytes,
                "faults": manifest.faults,
                "replaced": None if aside is None else str(aside),
            }
        )

    def summary(self, result: Any) -> str:
        text = super().summary(result | {"replaced": result["replaced"] or "nothing"})
        return f"{text}\nAll rows and files are as they were when the backup was made."
