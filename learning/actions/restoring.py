"""The way back from a backup: into an empty installation, or in the place of another one, which is kept beside it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from annotation import store
from annotation.alone import alone, is_locked
from annotation.errors import Refused
from learning.keeping import rows
from learning.keeping.archive import ArchiveError, Manifest, Reader
from learning.keeping.databases import beside, second_file, sqlite_file
from learning.keeping.files import SHARED, kept_files

Told = Callable[[int, int], None]
# What a new installation holds before anybody has done anything.
MADE_BY_ITSELF = frozenset({"django_migrations", "django_content_type", "auth_permission"})
MADE_ON_FIRST_USE = frozenset({"secret_key"})
STAGE = ".restoring"


def restore(*, archive: Path, replace: bool = False, told: Told | None = None) -> tuple[Manifest, Path | None]:
    """Bring rows and files of `archive` back; returns what came back, and the folder to which the old ones went.

    The archive is read and verified whole before anything is touched, and what was written is compared with it again.
    With `replace` an installation that is in the way makes way: its files and its SQLite database are kept in a folder
    beside them. (Tables on PostgreSQL are replaced in one transaction, and not kept.) Raises Refused, in words for
    people, while the server runs on this folder, where something is in the way, and for a faulty `archive`.
    """
    with alone("a restoration"), Reader(archive) as reader:
        if is_locked(settings.HOME / "run.lock"):
            raise Refused("The server runs on this data folder: stop it first.")
        if not replace:
            _check_empty()
        _check_room(reader.manifest)
        count = len(reader.manifest.files)
        reader.verify(None if told is None else lambda done: told(done, 2 * count))
        _check_migrations(reader.manifest)
        stage = settings.HOME / STAGE
        shutil.rmtree(stage, ignore_errors=True)
        try:
            _unpack(reader, stage, None if told is None else lambda done: told(count + done, 2 * count))
            aside = _bring_back(reader, stage)
            if aside is not None and not replace:  # an empty database and a key that nothing was signed with
                shutil.rmtree(aside)
                aside = None
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        return reader.manifest, aside


def _check_empty() -> None:
    for table in connections[DEFAULT_DB_ALIAS].introspection.table_names():
        if table not in MADE_BY_ITSELF and _holds_rows(table):
            raise Refused(
                f"There are rows already (in {table}). A backup comes back into an empty installation: name a new data "
                "folder in MARROWLOOP_HOME, or say --replace."
            )
    in_the_way = next((file for file in kept_files(settings.HOME) if file.name not in MADE_ON_FIRST_USE), None)
    if in_the_way is not None:
        raise Refused(
            f"There are files already (such as {in_the_way}). A backup comes back into an empty installation: name a "
            "new data folder in MARROWLOOP_HOME, or say --replace."
        )


def _holds_rows(table: str) -> bool:
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608  # named by the database
        return cursor.fetchone() is not None


def _check_room(manifest: Manifest) -> None:
    free = shutil.disk_usage(settings.HOME).free
    if free < manifest.bytes:
        raise Refused(
            f"The files of this backup need {manifest.bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: make room."
        )


def _check_migrations(manifest: Manifest) -> None:
    """Rows of an older Marrowloop are brought up to date; those of a newer one cannot be."""
    known = MigrationExecutor(connections[DEFAULT_DB_ALIAS]).loader.graph.nodes
    unknown = [f"{app}.{name}" for app, name in manifest.migrations if (app, name) not in known]
    if unknown:
        raise ArchiveError(f"This backup was made by a newer Marrowloop ({unknown[0]}): update this one first.")


def _unpack(reader: Reader, stage: Path, told: Callable[[int], None] | None) -> None:
    """All files below `stage`, each compared with its hash as it is written."""
    for done, (name, entry) in enumerate(reader.manifest.files.items(), start=1):
        path, digest = stage / name, hashlib.sha256()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            if path.parent == stage:  # the secret of the sessions, the first password
                path.chmod(0o600)
            for piece in reader.pieces(name):
                stream.write(piece)
                digest.update(piece)
        if digest.hexdigest() != entry.sha256:
            raise ArchiveError(f"{name} could not be written as it was: is the disk full or failing?")
        if told is not None:
            told(done)


def _bring_back(reader: Reader, stage: Path) -> Path | None:
    """The rows first, because they are what can fail; then each part of the data folder is exchanged by a rename."""
    aside = settings.HOME / f"replaced-{timezone.now():%Y%m%d-%H%M%S}"
    database = sqlite_file()
    if database is None:
        with transaction.atomic():
            _drop_tables()
            _load(reader)
    else:
        fresh = stage.with_name(f"{STAGE}.sqlite3")
        _remove(fresh)
        try:
            with second_file(fresh):
                _load(reader)
        except BaseException:
            _remove(fresh)
            raise
        connections[DEFAULT_DB_ALIAS].close()
        for file in (database, *beside(database)):
            _put_aside(file, aside)
        fresh.rename(database)
    _exchange_files(stage, aside)
    return aside if aside.exists() else None


def _remove(database: Path) -> None:
    for file in (database, *beside(database)):
        file.unlink(missing_ok=True)


def _exchange_files(stage: Path, aside: Path) -> None:
    for file in list(kept_files(settings.HOME)):
        top = settings.HOME / file.relative_to(settings.HOME).parts[0]
        if top.exists():
            _put_aside(top, aside)
    for new in sorted(stage.iterdir()) if stage.is_dir() else []:
        if (settings.HOME / new.name).exists():  # it held nothing to keep, such as an empty folder
            shutil.rmtree(settings.HOME / new.name)
        new.rename(settings.HOME / new.name)
        if new.name in SHARED:
            store.share_folder(settings.HOME / new.name)


def _put_aside(path: Path, aside: Path) -> None:
    if path.exists():
        aside.mkdir(mode=0o700, exist_ok=True)
        path.rename(aside / path.name)


def _drop_tables() -> None:
    """On PostgreSQL, inside a transaction: when the rows cannot be brought back, those that were there still are."""
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")


def _load(reader: Reader) -> None:
    """Tables as they were when the backup was made, their rows, a comparison; then the tables of today."""
    alias = DEFAULT_DB_ALIAS
    executor = MigrationExecutor(connections[alias])
    applied = [(app, name) for app, name in reader.manifest.migrations]
    executor.migrate(_ends(executor, applied))
    tables = rows.tables_of(_apps_at(executor, applied), alias)
    described = {(table._meta.db_table, column) for table in tables for column in rows.columns(table)}
    listed = {(name, column) for name, entry in reader.manifest.tables.items() for column in entry.columns}
    if described != listed:
        odd = ", ".join(".".join(pair) for pair in sorted(described ^ listed)[:3])
        raise ArchiveError(f"The tables of this backup are not those of its version: {odd}. Take another backup.")
    _fill(reader, tables, alias)
    _compare(reader, tables, alias)
    call_command("migrate", verbosity=0, interactive=False)


def _ends(executor: MigrationExecutor, applied: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of `applied` those that no other one stands on."""
    graph, known = executor.loader.graph, set(applied)
    return [node for node in applied if not any(child.key in known for child in graph.node_map[node].children)]


def _apps_at(executor: MigrationExecutor, applied: list[tuple[str, str]]) -> Apps:
    return executor.loader.project_state(applied).apps


def _fill(reader: Reader, tables: list[rows.Table], alias: str) -> None:
    connection = connections[alias]
    sqlite = connection.vendor == "sqlite"
    if sqlite:
        connection.disable_constraint_checking()  # rows come table by table; all of them are checked at the end
    try:
        with _transaction(alias):
            if not sqlite:  # a migration of this transaction may have asked for checks row by row
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for table in tables:
                rows.clear_table(table, alias)
            for table in tables:
                name = table._meta.db_table
                rows.write_rows(table, alias, reader.manifest.tables[name].columns, reader.rows(name))
            rows.set_last_numbers(tables, alias, reader.manifest.last_numbers)
            connection.check_constraints()
    finally:
        if sqlite:
            connection.enable_constraint_checking()


def _transaction(alias: str) -> AbstractContextManager[Any]:
    return nullcontext() if connections[alias].in_atomic_block else transaction.atomic(using=alias)


def _compare(reader: Reader, tables: list[rows.Table], alias: str) -> None:
    """Read what was written and compare it with the manifest: each row, each value."""
    for table in tables:
        entry, count, digest = reader.manifest.tables[table._meta.db_table], 0, hashlib.sha256()
        for line in rows.read_rows(table, alias, entry.columns):
            count += 1
            digest.update(line)
        if (count, digest.hexdigest()) != (entry.rows, entry.sha256):
            raise ArchiveError(
                f"The rows of {table._meta.db_table} did not come back as they were ({count} of {entry.rows}): nothing "
                "was replaced. Please report this."
            )
