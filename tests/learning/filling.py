"""Rows for every table there is, whatever its columns: what a backup or a new version must not lose."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps.registry import Apps
from django.db import connection, models, transaction

FIRST, EACH = 1000, 3
# Keys are so much higher, so that they meet no row that is there already or comes by itself.
APART = 1_000_000


def fill_every_table(apps: Apps) -> dict[str, int]:
    """Three rows for each table of `apps`, so that each column that may be empty is once; by table, how many."""
    tables = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    made = dict[str, int]()
    with connection.constraint_checks_disabled(), transaction.atomic():
        for model in _after_what_they_point_to(tables):
            for number in range(FIRST, FIRST + EACH):
                values = {field.attname: value_of(field, number) for field in model._meta.concrete_fields}
                model(**values).save_base(raw=True, force_insert=True)
            made[model._meta.db_table] = EACH
    connection.check_constraints()
    return made


def _after_what_they_point_to(tables: list[type[models.Model]]) -> list[type[models.Model]]:
    waiting, ordered = list(tables), list[type[models.Model]]()
    while waiting:
        ready = [model for model in waiting if not _needs(model) & (set(waiting) - {model})]
        assert ready, f"in a circle: {[model.__name__ for model in waiting]}"
        ordered += ready
        waiting = [model for model in waiting if model not in ready]
    return ordered


def _needs(model: type[models.Model]) -> set[Any]:
    """The tables that must be there before; a column that may be empty and closes a circle is filled with None."""
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation and not _loops(field)}


def _loops(field: Any) -> bool:
    return bool(field.null)


def value_of(field: Any, number: int) -> Any:
    """What row `number` holds in `field`; every third one is empty where that is allowed."""
    if field.null and (number % EACH == 0 or (field.is_relation and _loops(field) and field.name == "current_reading")):
        return None
    if field.is_relation:
        return value_of(field.target_field, number)
    if field.primary_key and isinstance(field, models.IntegerField):
        return APART + number
    if field.choices:
        return [value for value, _words in field.choices][number % len(field.choices)]
    return _plain(field, number)


def _plain(field: Any, number: int) -> Any:  # one line for each kind of column
    moment = datetime(2026, 11, 21, 8, 43, 40, 123456, UTC) + timedelta(days=number)
    kinds: list[tuple[type | tuple[type, ...], Any]] = [
        (models.BooleanField, number % 2 == 0),
        (models.DateTimeField, moment),
        (models.DateField, moment.date()),
        (models.TimeField, moment.time()),
        (models.UUIDField, uuid.uuid5(uuid.NAMESPACE_OID, f"{field.model.__name__}-{number}")),
        (models.JSONField, {"ü": [1, 0.1 + number, None, True, "µm"], "a": {"z": number, "b": []}}),
        (models.FloatField, 0.1 * number),
        (models.IntegerField, number),
        (models.GenericIPAddressField, "192.0.2.7"),
        ((models.CharField, models.TextField), f"{number} {field.name} µ ü\"'\\"[: field.max_length or 80]),
        (models.BinaryField, bytes([number % 256, 0, 255])),
    ]
    for kind, value in kinds:
        if isinstance(field, kind):
            return value
    raise AssertionError(f"{field}: say in tests/learning/filling.py what to fill it with")
