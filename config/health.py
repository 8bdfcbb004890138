"""Whether the product lives (/healthz) and can be used (/healthz/ready): for proxies, Docker and whoever watches.

Both answer everybody, in words that give nothing away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from annotation import store

OK, AWAY, BEHIND, NONE = "ok", "away", "behind", "none"
# What is asked by many is looked at once in so many seconds.
KEPT_SECONDS = 2.0
# Without these nobody can work; without the others somebody can.
NEEDED = ("database", "migrations")

_lock = threading.Lock()
_kept: tuple[float, dict[str, str]] | None = None


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answers whenever the web process can answer at all; asks nothing of the database."""
    return JsonResponse({"ok": True})


def ready(_request: HttpRequest) -> JsonResponse:
    """503 while database or tables are not as they must be. Broker and store are told, too: people go on without."""
    found = looked()
    ok = all(found[name] == OK for name in NEEDED)
    return JsonResponse({"ok": ok, **found}, status=200 if ok else 503)


def looked() -> dict[str, str]:
    global _kept  # one note for the whole process
    with _lock:
        if _kept is None or time.monotonic() - _kept[0] > KEPT_SECONDS:
            _kept = (time.monotonic(), look())
        return _kept[1]


def look() -> dict[str, str]:
    return {
        "database": _word(_ask_database),
        "migrations": _migrations(),
        "broker": _word(_ask_broker) if settings.CELERY_BROKER_URL.startswith("redis") else NONE,
        "store": _word(store.check) if store.is_shared() else NONE,
    }


def _word(ask: Callable[[], None]) -> str:
    try:
        ask()
    except (DatabaseTrouble, OSError):
        return AWAY
    return OK


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        return BEHIND if executor.migration_plan(executor.loader.graph.leaf_nodes()) else OK
    except DatabaseTrouble:
        return AWAY


def _ask_broker() -> None:
    """Raises OSError where the Redis of REDIS_URL does not answer within a second."""
    import redis

    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as line:
            line.ping()
    except redis.RedisError as error:
        raise OSError("the broker does not answer") from error
