"""What the tests of backups do inside an installation of their own; each function answers with plain values."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor

from annotation.actions.cells import draw_cell
from annotation.actions.projects import create_project
from annotation.actions.readings import open_reading
from annotation.errors import Refused
from annotation.models import Cell, Event, Field, Project, Provenance, Reading, Source
from annotation.shapes import Shape
from learning.actions.backups import back_up
from learning.actions.restoring import restore
from learning.keeping import rows
from learning.keeping.archive import VERSION, Manifest, Writer
from tests.learning.filling import fill_every_table

FIELDS, WRITERS = 25, 3
AT_WORK = "at work"


def told(archive: Path, manifest: Manifest) -> dict[str, Any]:
    return {
        "archive": str(archive),
        "rows": {name: entry.rows for name, entry in manifest.tables.items()},
        "hashes": {name: entry.sha256 for name, entry in manifest.tables.items()},
        "files": {name: entry.sha256 for name, entry in manifest.files.items()},
        "faults": manifest.faults,
        "left_out": manifest.left_out,
    }


def back_up_while_people_work(doublings: int) -> dict[str, Any]:
    """A large study, rows in every table, and three people who draw while the backup is made."""
    call_command("migrate", verbosity=0)
    study = large_study(doublings)
    filled = fill_every_table(apps)
    folder = settings.IMAGES_DIR / "ab"
    folder.mkdir(parents=True)
    for number in range(FIELDS):
        (folder / f"{number}.png").write_bytes(bytes([number]) * 100_000)
    gone = User.objects.create_user("gone")
    number = gone.pk
    gone.delete()
    before = Cell.objects.count()
    with people_at_work(study) as drawn:
        archive, manifest = back_up()
        while_it_ran = len(drawn)
    later = Cell.objects.count() - before
    return told(archive, manifest) | {"filled": filled, "while_it_ran": while_it_ran, "later": later, "gone": number}


def large_study(doublings: int) -> Project:
    study = create_project(name="Study")
    number = study.classes.get(key="seg").pk
    for index in range(FIELDS):
        field = Field.objects.create(
            project=study,
            code=f"F{index:05}",
            sha256=f"{index:064}",
            file=f"ab/{index}.png",
            width=4000,
            height=3000,
            phash="0" * 16,
            split="training",
        )
        reading = Reading.objects.create(field=field, source=Source.IMPORTED, state="submitted")
        Cell.objects.create(
            project=study,
            reading=reading,
            cell_class_id=number,
            kind="circle",
            points=[10.1 + index, 20.2, 7.7],
            x0=index,
            y0=0.1,
            x1=index + 1,
            y1=1 / 3,
            provenance=Provenance.IMPORTED,
        )
    double_cells(study, doublings)
    return study


def double_cells(study: Project, times: int) -> None:
    """Each cell of `study` once more, so many times over; by SQL, because the ORM takes its time for 100,000."""
    names = [field.column for field in Cell._meta.concrete_fields if field.name not in ("id", "uuid")]
    columns = ", ".join(str(name) for name in names)
    uuid = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute(
                f"INSERT INTO annotation_cell (uuid, {columns}) SELECT {uuid}, {columns} FROM annotation_cell "  # noqa: S608
                "WHERE project_id = %s",
                [study.pk],
            )


@contextmanager
def people_at_work(study: Project) -> Iterator[list[int]]:
    """Each draws one cell after the other, and each cell comes with its event in one transaction."""
    stop, drawn = threading.Event(), list[int]()
    field = study.fields.all()[0]
    people = [User.objects.create_superuser(f"person{number}") for number in range(WRITERS)]
    readings = [open_reading(field=field, actor=person, steal=True) for person in people]
    seg = study.classes.get(key="seg")

    def work(person: User, reading: Reading) -> None:
        try:
            while not stop.wait(0.005):
                shape = Shape("circle", (50.0, 60.0, 12.0))
                drawn.append(draw_cell(reading=reading, cell_class=seg, shape=shape, actor=person, client=AT_WORK).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in zip(people, readings, strict=True)]
    for thread in threads:
        thread.start()
    try:
        yield drawn
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def bring_back(archive: str) -> dict[str, Any]:
    """Restored, looked at, and backed up again for its hashes."""
    restore(archive=Path(archive))
    again = told(*back_up())
    drawn = Cell.objects.filter(author__username__startswith="person")
    torn = drawn.exclude(events__verb="drawn").count()
    events = Event.objects.filter(client=AT_WORK).count()
    return again | {"drawn": drawn.count(), "torn": torn, "events": events, "next": next_number()}


def refusal(deed: Any) -> str:
    try:
        deed()
    except Refused as error:
        return str(error)
    return ""


def next_number() -> int:
    """The number that the next person gets."""
    return User.objects.create_user("next").pk


def only_restore(archive: str) -> dict[str, Any]:
    manifest, _ = restore(archive=Path(archive))
    return told(*back_up()) | {"engine": manifest.engine}


Values = dict[str, dict[str, dict[str, str]]]


def upgrade(migrations: list[list[str]]) -> dict[str, Any]:
    """A database as it was at `migrations`, full; brought up to date. What was lost, and a backup of then."""
    executor = MigrationExecutor(connection)
    ends = [(app, name) for app, name in migrations]
    executor.migrate(ends)
    executor = MigrationExecutor(connection)
    then = executor.loader.project_state(ends).apps
    filled = fill_every_table(then)
    tables = rows.tables_of(then, DEFAULT_DB_ALIAS)
    before, order = values_of(tables), {table._meta.db_table: rows.columns(table) for table in tables}
    archive = archive_of(tables)
    call_command("migrate", verbosity=0)
    after = values_of(rows.tables_of(apps, DEFAULT_DB_ALIAS))
    return {"filled": filled, "lost": lost(before, after), "columns": order, "archive": archive, "rows": before}


def values_of(tables: list[rows.Table]) -> Values:
    """By table and key of the row: each column's value as JSON would have it."""
    found: Values = {}
    for table in tables:
        names = rows.columns(table)
        lines = [line.decode() for line in rows.read_rows(table, DEFAULT_DB_ALIAS, names)]
        found[table._meta.db_table] = {}
        for line in lines:
            row = dict(zip(names, map(repr, decoded(line)), strict=True))
            found[table._meta.db_table][row[str(table._meta.pk.column)]] = row
    return found


def decoded(line: str) -> list[Any]:
    import json

    values: list[Any] = json.loads(line)
    return values


def lost(before: Values, after: Values) -> list[str]:
    """Rows and values of `before` that `after` does not have."""
    faults = []
    for table, kept in before.items():
        for key, row in kept.items():
            now = after.get(table, {}).get(key)
            if now is None:
                faults.append(f"{table} {key} is gone")
                continue
            faults += [
                f"{table} {key} {column}: {value} became {now.get(column)}"
                for column, value in row.items()
                if now.get(column) != value
            ]
    return faults


def archive_of(tables: list[rows.Table]) -> str:
    """A backup as the version of that time would have written it."""
    path = settings.HOME / "old.zip"
    writer = Writer(path)
    for table in tables:
        order = rows.columns(table)
        writer.add_table(table._meta.db_table, order, rows.read_rows(table, DEFAULT_DB_ALIAS, order))
    applied = sorted(MigrationExecutor(connection).loader.applied_migrations)
    made = datetime.now(UTC).isoformat()
    numbers = rows.last_numbers(tables, DEFAULT_DB_ALIAS)
    writer.finish(Manifest(VERSION, made, connection.vendor, applied, writer.tables, numbers, {}, [], []))
    return str(path)


def restore_the_old(archive: str, before: Values) -> dict[str, Any]:
    """What an old backup lost on its way into the version of today. Again it is refused, then it replaces."""
    restore(archive=Path(archive))
    faults = lost(before, values_of(rows.tables_of(apps, DEFAULT_DB_ALIAS)))
    refused = refusal(lambda: restore(archive=Path(archive)))
    with (settings.HOME / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = refusal(lambda: restore(archive=Path(archive), replace=True))
    User.objects.create_user("made-since")
    (settings.HOME / "weights").mkdir()
    (settings.HOME / "weights" / "mine.pt").write_bytes(b"mine")
    _, aside = restore(archive=Path(archive), replace=True)
    return {
        "lost": faults,
        "refused": refused,
        "running": running,
        "since": User.objects.filter(username="made-since").exists(),
        "kept": aside is not None and (aside / "weights" / "mine.pt").read_bytes() == b"mine",
        "there": (settings.HOME / "weights").exists(),
    }
