"""What all commands share: a fresh data folder just works, --json, progress on standard error, plain failures."""

from __future__ import annotations

import fcntl
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from tqdm import tqdm

from annotation.errors import Refused
from annotation.models import Project


class JsonCommand(BaseCommand):
    """A command that ends with `self.answer(result)`.

    With --json the result is one JSON object on the last line of standard output, without it a few lines for people.
    `Refused`, raised by any action, becomes a sentence on standard error and exit status 1.
    """

    interrupted = "Stopped by Ctrl-C."
    # False: the command looks at the tables as they are, or brings its own.
    makes_tables = True

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument(
            "--json", action="store_true", help="Print the result as one JSON object on the last line of the output."
        )
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        self._as_json = bool(options.get("json"))
        if self.makes_tables:
            prepare_database()
        try:
            return super().execute(*args, **options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt:
            raise CommandError(self.interrupted, returncode=130) from None

    def answer(self, result: Mapping[str, Any]) -> None:
        """Print what the command found. Call it once, at the end."""
        self.stdout.write(json.dumps(result) if self._as_json else self.summary(result))

    def summary(self, result: Mapping[str, Any]) -> str:
        """What a person reads in place of JSON."""
        return "\n".join(f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in result.items())


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return "".join(f"\n  {_plain(entry)}" for entry in value) or "none"
    return "unknown" if value is None else str(value)


def project_from(key: str) -> Project:
    """The project of that key, or the only one of that name. Raises CommandError with the keys that exist."""
    project = Project.objects.filter(key=key).first()
    if project:
        return project
    named = list(Project.objects.filter(name=key)[:2])
    if len(named) == 1:
        return named[0]
    known = ", ".join(Project.objects.order_by("key").values_list("key", flat=True))
    advice = f"There are: {known}." if known else "There is none yet: make one with create_project."
    raise CommandError(f"No project has the key {key!r}. {advice}")


class Progress:
    """A bar on standard error. Call it with how much is done, and with how much there is once that is known."""

    def __init__(self, bar: tqdm[Any]) -> None:
        self._bar = bar

    def __call__(self, done: int, total: int | None = None) -> None:
        if total is not None and total != self._bar.total:
            self._bar.reset(total)
        self._bar.update(done - self._bar.n)


@contextmanager
def progress(label: str, unit: str = "") -> Iterator[Progress]:
    with tqdm(desc=label, unit=f" {unit}" if unit else "it", file=sys.stderr, mininterval=0.5) as bar:
        yield Progress(bar)


def prepare_database() -> None:
    """Make or update the tables when the database is ours alone (SQLite) or empty; a lock lets one process do it.

    A PostgreSQL database in use may serve other machines, so it is left to its keeper: raises CommandError.
    """
    if not _missing_migrations():
        return
    if connection.vendor != "sqlite" and connection.introspection.table_names():
        raise CommandError("The database is of an older version. Stop the workers, then run: manage.py migrate")
    settings.HOME.mkdir(parents=True, exist_ok=True)
    with (settings.HOME / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _missing_migrations():
            call_command("migrate", verbosity=0, interactive=False)


def _missing_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
