"""One moment of a database that others go on writing to, and a second SQLite file beside the one in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections, transaction


@contextmanager
def frozen(alias: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """All that is read inside is of one moment. Nobody who writes meanwhile waits, and nothing can be written here.

    PostgreSQL: a transaction of REPEATABLE READ. SQLite: a deferred transaction, which in WAL mode reads on from where
    it began; Django's own transactions would take the lock of writers.
    """
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with transaction.atomic(using=alias), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            cursor.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # the moment is that of the first reading
            yield
        finally:
            cursor.execute("ROLLBACK")


@contextmanager
def second_file(file: Path) -> Iterator[None]:
    """Inside, the SQLite database of this process is the one in `file`. As the only one, because migrations that
    change rows speak to the default database."""
    connection = connections[DEFAULT_DB_ALIAS]
    ours = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = file
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = ours


def sqlite_file(alias: str = DEFAULT_DB_ALIAS) -> Path | None:
    """The file of the database; None where it is no SQLite."""
    connection = connections[alias]
    return Path(str(connection.settings_dict["NAME"])) if connection.vendor == "sqlite" else None


def beside(file: Path) -> list[Path]:
    """What SQLite keeps beside its file while it is open."""
    return [file.with_name(f"{file.name}{ending}") for ending in ("-wal", "-shm")]
