"""A small turn of benchmarks/fuzz.py: no request breaks the server, answers are as the schema says, nothing leaks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError

from annotation.api.projects import OneProject
from annotation.models import Project
from benchmarks import fuzz
from benchmarks.fuzz import Found
from tests.house.access_world import World, make_world


@pytest.fixture
def world(db: None, settings: Any) -> Iterator[World]:
    settings.API_RATE = 0
    logging.disable(logging.CRITICAL)
    yield make_world()
    logging.disable(logging.NOTSET)


@pytest.mark.setup
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_requests_by_the_schema(world: World) -> None:
    """The library's client closes no file that is answered, hence the filter."""
    found = Found()
    callers = fuzz.make_callers(world)
    for caller in callers:
        fuzz.guess(world, caller, found, 4 if caller is callers[0] else 1)
    assert found.requests > 500
    assert found.answers["200"] > 50, found.answers
    assert not any(found.faults.values()), found.faults


@pytest.mark.setup
def test_hostile_requests(world: World) -> None:
    found = Found()
    fuzz.batter(world, fuzz.make_callers(world)[0], found, bodies=fuzz.HOSTILE[::2])
    assert found.requests > 2000
    assert not any(found.faults.values()), found.faults


def test_it_finds_what_is_broken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: OneProject, request: Any, key: str) -> None:
        raise OperationalError("the disk is gone")

    found = Found()
    monkeypatch.setattr(OneProject, "get", broken)
    fuzz._send(world, fuzz.make_callers(world)[0], "get", "/api/projects/study/", found)
    assert found.counts()["server_errors"] == 1


def test_it_finds_what_leaks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Found()
    callers = {caller.name: caller for caller in fuzz.make_callers(world)}
    monkeypatch.setattr("annotation.access.visible_projects", lambda _user: Project.objects.all())
    monkeypatch.setattr("annotation.access.require", lambda *_words: None)
    for who in ("ada", "ana", "otto", "nobody"):
        fuzz._send(world, callers[who], "get", "/api/projects/study/people/", found)
    assert [words.split(" as ")[1] for words in found.faults["access_leaks"]] == ["ana: 200", "otto: 200"]
    fuzz._judge(callers["root, reading"], "post", "/api/projects/study/roll-back/", 201, b"", found)
    fuzz._judge(callers["ada"], "get", "/api/projects/study/", 200, fuzz.NAME_OF_A_FILE.encode(), found)
    assert (found.counts()["access_leaks"], found.counts()["names_told"]) == (3, 1)
