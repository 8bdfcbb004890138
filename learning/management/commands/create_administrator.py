"""manage.py create_administrator: somebody who may do everything."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.actions.administrators import create_administrator
from annotation.management.base import JsonCommand


class Command(JsonCommand):
    help = "Make an administrator of the whole installation, and print the password once: it is kept nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="admin", help="Name to sign in with (admin).")

    def handle(self, *args: Any, **options: Any) -> None:
        person, password = create_administrator(name=options["name"])
        self.answer({"administrator": person.username, "password": password})
