"""How fast pages answer in a large project: `python -m benchmarks.pages`.

Asked through Django's own client, so middleware, database and templates are in it, and the web server is not.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import frame

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import URLResolver

    from benchmarks.large import Large

ASKS = {"small": 40, "full": 200}
GOAL_MS = 200
OK = 200
# Files of fields, which have no pictures here; what leads away or belongs to no project.
LEFT_OUT = {
    "picture",
    "thumbnail",
    "tile",
    "reference",
    "source",
    "sign_out",
    "next_field",
    "help_image",
    "api_docs",
    "schema",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One page: the first time, with nothing kept from before, and the later times, in milliseconds."""

    name: str
    queries: int
    first: float
    later: tuple[float, ...]

    @property
    def p95(self) -> float:
        return sorted(self.later)[max(0, -(-95 * len(self.later) // 100) - 1)]


def pages(large: Large, user: User) -> dict[str, str]:
    """The address of each page that answers `user` by GET, found among all addresses of the product."""
    from django.test import Client
    from django.urls import get_resolver

    client = Client()
    client.force_login(user)
    found = {}
    for name, address in _addresses(get_resolver(), _values(large)):
        if name not in LEFT_OUT and client.get(address).status_code == OK:
            found[name] = address
    return found


def _values(large: Large) -> dict[str, object]:
    """What stands in an address, by its name there."""
    case = large.project.cases.order_by("pk").first()
    field = large.project.fields.order_by("pk").first()
    return {
        "key": large.project.key,
        "code": "" if field is None else field.code,
        "pk": 0 if case is None else case.pk,
        "number": 4,
        "label": "s4",
        "page": "index",
    }


def _addresses(resolver: URLResolver, values: dict[str, object]) -> Iterator[tuple[str, str]]:
    from django.urls import URLResolver, reverse

    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _addresses(entry, values)
        elif entry.name and set(entry.pattern.converters) <= set(values):
            yield entry.name, reverse(entry.name, kwargs={name: values[name] for name in entry.pattern.converters})


def ask(client: Client, name: str, address: str, times: int) -> Asked:
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        first = _seconds(client, address)
    queries = len(captured)  # the next request empties the log
    later = tuple(1000 * _seconds(client, address) for _ in range(times))
    return Asked(name, queries, 1000 * first, later)


def _seconds(client: Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    if answer.status_code != OK:
        raise frame.CannotMeasureError(f"{address} answered {answer.status_code}")
    answer.getvalue()  # reads what is streamed
    return time.perf_counter() - began


def measure(task: frame.Task) -> frame.Outcome:
    os.environ["MARROWLOOP_HOME"] = str(task.folder / "home")
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from benchmarks.large import Size, make_large

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    size = Size()
    task.say(f"{size.fields:,} fields with {size.cells:,} cells are written")
    large = make_large(size)
    user = large.people["administrator"]
    client = Client()
    client.force_login(user)
    asked = []
    for name, address in sorted(pages(large, user).items()):
        asked.append(ask(client, name, address, ASKS[task.setting]))
        task.say(
            f"{name:<24} {asked[-1].p95:7.1f} ms p95, {asked[-1].first:7.1f} ms first, {asked[-1].queries} queries"
        )
    worst = max(asked, key=lambda one: one.p95)
    figures: dict[str, float | int | None] = {
        "worst_p95_ms": round(worst.p95, 1),
        "worst_first_ms": round(max(one.first for one in asked), 1),
        "most_queries": max(one.queries for one in asked),
        "pages": len(asked),
        "pages_over_goal": sum(one.p95 > GOAL_MS for one in asked),
    }
    figures |= {f"{one.name}_p95_ms": round(one.p95, 1) for one in asked}
    details = {
        one.name: {"p95_ms": one.p95, "first_ms": one.first, "queries": one.queries, "times_ms": one.later}
        for one in asked
    }
    return frame.Outcome(figures, {"pages": details, "worst": worst.name})


if __name__ == "__main__":
    sys.exit(frame.run("pages", __doc__, measure))
