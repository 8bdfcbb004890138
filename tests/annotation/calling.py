"""Calls the API as a browser does: JSON in, JSON out."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.test import Client

from annotation.models import Field, Reading

CIRCLE = {"kind": "circle", "points": [50.0, 60.0, 12.0]}


def call(client: Client, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> Any:
    """What `path` under /api/ answers. Fails on any other status."""
    sent: dict[str, Any] = {} if method == "get" else {"data": body, "content_type": "application/json"}
    answer = getattr(client, method)(f"/api/{path}", **sent, **more)
    assert answer.status_code == status, f"{answer.status_code}: {answer.content[:500]!r}"
    return answer.json() if answer.content else None


def opened(client: Client, field: Field, **said: Any) -> int:
    """The number of the reading of `field` that is open for whoever `client` is, whoever else is at work on it."""
    path = f"projects/{field.project.key}/fields/{field.code}/readings/"
    number: int = call(client, "post", path, {"steal": True} | said)["reading"]["id"]
    return number


def cell(number: int, *, uuid: Any = None, version: int = 0, **values: Any) -> dict[str, Any]:
    """A change that draws or changes a cell of class `number`."""
    change = {"type": "cell", "uuid": str(uuid or uuid4()), "version": version, "class": number, "shape": CIRCLE}
    return change | {"attributes": {}, "prediction": None, "deleted": False} | values


def save(client: Client, reading: int | Reading, *changes: Any) -> list[dict[str, Any]]:
    number = reading.pk if isinstance(reading, Reading) else reading
    results: list[dict[str, Any]] = call(client, "post", f"readings/{number}/changes/", {"changes": changes})["results"]
    return results
