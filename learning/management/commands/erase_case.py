"""manage.py erase_case: a case, everywhere."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from annotation.management.base import JsonCommand, project_from
from learning.actions.erasing import erase_case


class Command(JsonCommand):
    help = "Erase a case everywhere: rows, pictures, frozen lists, findings. It cannot be taken back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        parser.add_argument("case", help="Code of the case.")
        parser.add_argument("--confirm", required=True, metavar="CODE", help="The code of the case once more.")

    def handle(self, *args: Any, **options: Any) -> None:
        case = project_from(options["project"]).cases.filter(code=options["case"]).first()
        if case is None:
            raise CommandError(f"{options['project']} has no case {options['case']!r}.")
        erasure = erase_case(case=case, confirm=options["confirm"], actor=None, client="erase_case")
        self.answer({"erasure": erasure.pk, "learned_by": erasure.learned_by, "counts": erasure.counts})
