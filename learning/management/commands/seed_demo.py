"""manage.py seed_demo: the project that `make run` makes on first use."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User

from annotation.errors import Refused
from annotation.management.base import JsonCommand
from learning.demo import seed_demo
from learning.management.seeding import drawing


class Command(JsonCommand):
    help = (
        "Make the demo project: generated fields, some of them labelled, a batch to label with predictions of the "
        "starter weights, and a small round for the workers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--owner", metavar="NAME", help="Person who is to administer it; nobody if left out.")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = None
        if options["owner"]:
            owner = User.objects.filter(username=options["owner"]).first()
            if owner is None:
                raise Refused(f"Nobody signs in as {options['owner']!r}.")
        with drawing() as report:
            key = seed_demo(actor=owner, report=report)
        self.answer({"project": key})
