"""Installations of their own, each with a data folder and a database on the engine that the tests run on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.house.processes import ROOT, ask

_numbers = count(1)
START = "import django, json; django.setup(); "


@dataclass(frozen=True, slots=True)
class Installation:
    home: Path
    url: str

    def ask(self, code: str, env: Mapping[str, str] | None = None) -> Any:
        """What `code` prints last, in a fresh process of this installation."""
        told = {"DATABASE_URL": self.url, "PYTHONPATH": str(ROOT), **(env or {})}
        return ask(START + code, self.home, told, seconds=600)


def installation(home: Path, *, postgres: bool) -> Installation:
    """A new one; on PostgreSQL in a database of its own on the server of the tests."""
    home.mkdir(parents=True)
    if not postgres:
        return Installation(home, "")
    name = f"keep_{os.getpid()}_{next(_numbers)}"
    parts = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return Installation(home, urlunsplit(parts._replace(path=f"/{name}")))
