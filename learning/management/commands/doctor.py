"""manage.py doctor: what is wrong with this installation, and what to type."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management import CommandError

from annotation.management.base import JsonCommand
from learning.doctor import CHECKS, examine


class Command(JsonCommand):
    help = "Look the installation over and say what is wrong with it and what to type. Nothing is changed."
    makes_tables = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--thorough", action="store_true", help="Read every picture, not only a sample of 200.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = examine(thorough=options["thorough"])
        bad = [finding for finding in found if finding.grade == "bad"]
        self.answer({"ok": not bad, "checks": len(CHECKS), "findings": [asdict(finding) for finding in found]})
        if bad:
            raise CommandError(f"{len(bad)} of these must be put right.")

    def summary(self, result: Any) -> str:
        if not result["findings"]:
            return f"All is well: {result['checks']} checks found nothing."
        return "\n".join(f"{row['grade']}: {row['what']}\n  {row['type']}" for row in result["findings"])
