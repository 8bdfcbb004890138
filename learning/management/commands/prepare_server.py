"""manage.py prepare_server: what `make run` does before it starts anything."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings as config
from django.contrib.auth.models import User
from django.core.management import call_command

from annotation.actions.administrators import create_administrator
from annotation.management.base import JsonCommand
from annotation.models import Project
from learning.demo import seed_demo
from learning.management.seeding import drawing

NAME = "admin"


class Command(JsonCommand):
    help = (
        "Make the data folder ready for the pages: tables, static files, and where nobody can sign in yet an "
        "administrator and the demo project. The password lies in first-login.txt until it is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="Make no demo project.")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("collectstatic", interactive=False, verbosity=0)
        answer: dict[str, Any] = {"first_use": False}
        if not User.objects.exists():
            person, password = create_administrator(name=NAME)
            _write_down(password_file(), f"{person.username}\n{password}\n")
            answer["first_use"] = True
            if not options["no_demo"] and not Project.objects.exists():
                with drawing() as report:
                    answer["demo"] = seed_demo(actor=person, report=report)
        self.answer(answer | _first_login())


def password_file() -> Path:
    return config.HOME / "first-login.txt"


def _write_down(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)


def _first_login() -> dict[str, str]:
    """The first password, as long as it is one: once it was changed its file is removed."""
    file = password_file()
    if not file.exists():
        return {}
    name, _, password = file.read_text().strip().partition("\n")
    person = User.objects.filter(username=name, is_active=True).first()
    if person is None or not person.check_password(password):
        file.unlink()
        return {}
    return {"administrator": name, "password": password, "password_file": str(file)}
