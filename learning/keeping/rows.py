"""Rows of any table as lines of JSON, alike from SQLite and PostgreSQL, and back into either.

A line is a list of the values of one row, in the order of `columns`; dates are ISO 8601, bytes base64. Rows come in the
order of their keys and objects of JSON with sorted names, so equal tables give equal lines, and one hash tells it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import connections, models
from django.db.migrations.recorder import MigrationRecorder
from django.utils.duration import duration_iso_string

Table = type[models.Model]
# Rows that are fetched, and written, at once.
CHUNK = 2000


def tables_of(apps: Apps, alias: str) -> list[Table]:
    """A model for each table that `apps` describe, those between two others included, and that of the migrations."""
    known = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True) if _has_table(model)}
    recorded = MigrationRecorder(connections[alias]).Migration
    known[recorded._meta.db_table] = recorded
    return [known[name] for name in sorted(known)]


def _has_table(model: Table) -> bool:
    return bool(model._meta.managed) and not model._meta.proxy and not model._meta.swapped


def columns(table: Table) -> list[str]:
    return [str(field.column) for field in table._meta.concrete_fields]


def strangers(tables: Iterable[Table], alias: str) -> list[str]:
    """Tables of the database that none of `tables` describes."""
    known = {table._meta.db_table for table in tables}
    return sorted(set(connections[alias].introspection.table_names()) - known)


def read_rows(table: Table, alias: str, order: list[str]) -> Iterator[bytes]:
    """The lines of `table`, its columns in `order`. Call it inside `frozen`, so that all tables are of one moment."""
    names = [field.attname for field in _fields(table, order)]
    rows = table._base_manager.using(alias).order_by("pk").values_list(*names)
    for row in rows.iterator(CHUNK):
        line = json.dumps(row, default=_plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        yield line.encode() + b"\n"


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    raise TypeError(f"a value of {type(value).__name__} cannot be backed up yet")


def write_rows(table: Table, alias: str, order: list[str], lines: Iterable[bytes]) -> int:
    """Insert what `read_rows` gave; returns how many. By SQL, because saving a row would set its dates anew."""
    connection = connections[alias]
    fields = _fields(table, order)
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, order))
    statement = f"INSERT INTO {quote(table._meta.db_table)} ({names}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608  # names of our own models, quoted
    count, waiting = 0, iter(lines)
    with connection.cursor() as cursor:
        while chunk := list(islice(waiting, CHUNK)):
            rows = [
                [field.get_db_prep_save(field.to_python(value), connection) for field, value in _paired(fields, line)]
                for line in chunk
            ]
            cursor.executemany(statement, rows)
            count += len(rows)
    return count


def _fields(table: Table, order: list[str]) -> list[Any]:
    """The same table has its columns in another order where it grew, and where it was made at once."""
    fields = {field.column: field for field in table._meta.concrete_fields}
    return [fields[column] for column in order]


def _paired(fields: Iterable[Any], line: bytes) -> Iterator[tuple[Any, Any]]:
    return zip(fields, json.loads(line), strict=True)


def clear_table(table: Table, alias: str) -> None:
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(table._meta.db_table)}")  # noqa: S608  # a name of our own models, quoted


def last_numbers(tables: Iterable[Table], alias: str) -> dict[str, int]:
    """For each table that counts its rows by itself: the last number given, also where that row is gone by now."""
    connection, found = connections[alias], dict[str, int]()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, seq FROM sqlite_sequence")
            counted = {str(name): int(number) for name, number in cursor.fetchall()}
            return {name: counted[name] for table in tables if (name := table._meta.db_table) in counted}
        for table in tables:
            if isinstance(table._meta.pk, models.AutoField | models.BigAutoField):
                cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", _place(table, alias))
                (sequence,) = cursor.fetchone()
                cursor.execute(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608  # named by PostgreSQL itself
                last, given = cursor.fetchone()
                found[table._meta.db_table] = int(last) if given else int(last) - 1
    return {name: number for name, number in found.items() if number}


def _place(table: Table, alias: str) -> list[str]:
    """Table and column of the numbers, as PostgreSQL's functions want them."""
    return [connections[alias].ops.quote_name(table._meta.db_table), str(table._meta.pk.column)]


def set_last_numbers(tables: Iterable[Table], alias: str, numbers: dict[str, int]) -> None:
    """Go on counting where the numbers of `last_numbers` stood, so that no number is given twice."""
    connection, tables = connections[alias], list(tables)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name, number in numbers.items():
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [name])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [name, number])
            return
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)
        for table in tables:
            if table._meta.db_table in numbers:
                number = numbers[table._meta.db_table]
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [*_place(table, alias), number])
