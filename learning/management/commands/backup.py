"""manage.py backup: the whole installation in one archive."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from annotation.management.base import JsonCommand, progress
from learning.actions.backups import back_up, remove_old_backups
from learning.management.commands.execute_run import die_with_parent, step_back


class Command(JsonCommand):
    help = "Write all rows and files into one archive, while people work. It holds patients' pictures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "out",
            type=Path,
            nargs="?",
            metavar="OUT.zip",
            help="Archive to write; left out: a new one in the folder of backups.",
        )
        parser.add_argument(
            "--keep",
            type=int,
            default=0,
            help="Afterwards remove all but so many archives of the folder of backups; 0: remove none.",
        )
        parser.add_argument(
            "--beside-people",
            action="store_true",
            help="Leave one core, and the first turn on all others, to those who work on this machine meanwhile.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        if options["beside_people"]:
            step_back()
        with progress("backing up", "files") as bar:
            path, manifest = back_up(out=options["out"], told=bar)
        removed = remove_old_backups(options["keep"]) if options["keep"] else []
        for fault in manifest.faults:
            self.stderr.write(f"The installation is not whole: {fault}. Type: manage.py doctor --thorough")
        self.answer(
            {
                "archive": str(path),
                "size": path.stat().st_size,
                "tables": len(manifest.tables),
                "rows": manifest.rows,
                "files": len(manifest.files),
                "faults": manifest.faults,
                "left_out": [*manifest.left_out, *_outside()],
                "removed": [old.name for old in removed],
            }
        )


def _outside() -> list[str]:
    """What is not below the data folder is its keeper's to copy."""
    folder: Path = settings.WEIGHTS_DIR
    return [str(folder)] if folder.is_dir() and not folder.is_relative_to(settings.HOME) else []
