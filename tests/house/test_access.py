"""Every address, as every role: an outsider learns nothing, a member is told what is not theirs, nobody signs in first.

`NEEDS` says of each address what it takes to look (GET) and to act (POST, PUT, PATCH, DELETE). An address that is not
in it fails the test: whoever adds one says here who may come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver

from annotation.access import PERMISSIONS, Permission
from annotation.models import Role
from tests.house.access_table import CREATE, NEEDS, OPEN, SIGNED_IN, Need
from tests.house.access_world import World, make_world

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import DjangoDbBlocker

MEMBERS = {"ana": Role.ANNOTATOR, "rui": Role.REVIEWER, "lea": Role.ENGINEER, "ada": Role.ADMINISTRATOR}
ACTING = ("post", "put", "patch", "delete")
NOT_ALLOWED, UNKNOWN = 405, 404


@dataclass(frozen=True, slots=True)
class Address:
    """One pattern of the product: its name, and the names of what stands in it."""

    name: str
    route: str
    pattern: URLPattern

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/")

    @property
    def of_project(self) -> bool:
        """Whether an outsider must not even learn that it exists."""
        return NEEDS[self.name].look in set(Permission) or NEEDS[self.name].act in set(Permission)


def addresses(resolver: URLResolver | None = None, before: str = "") -> Iterator[Address]:
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, route)
        else:
            yield Address(entry.name or route, route, entry)


ALL = list(addresses())


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Built once; each test undoes what it did, and all is undone at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def clients(world: World, db: None) -> dict[str, Client]:
    return {who: world.cast.client(who) for who in ("nobody", "otto", *MEMBERS, "root")}


def test_the_table_names_every_address_and_no_other() -> None:
    assert sorted({address.name for address in ALL}) == sorted(NEEDS)


@pytest.mark.parametrize("address", ALL, ids=lambda address: address.name)
def test_who_may_come(address: Address, world: World, clients: dict[str, Client]) -> None:
    need, path = NEEDS[address.name], world.path(address.route)
    for who, client in clients.items():
        for method, wanted in (("get", need.look), *((verb, need.act) for verb in ACTING)):
            status = ask(client, method, path)
            fault = judge(address, who, method, wanted, status)
            assert fault is None, f"{method.upper()} {path} as {who}: {status}, {fault}"


def ask(client: Client, method: str, path: str) -> int:
    more: dict[str, Any] = {} if method == "get" else {"data": "{}", "content_type": "application/json"}
    answer = getattr(client, method)(path, **more)
    if hasattr(answer, "streaming_content"):
        answer.close()
    return int(answer.status_code)


def judge(address: Address, who: str, method: str, wanted: Permission | str | None, status: int) -> str | None:
    """What is wrong with this answer to this person; None where nothing is."""
    if status >= 500:
        return "the server broke"
    if status == NOT_ALLOWED:
        return "this should be possible" if method == "get" and wanted is not None else None
    if wanted is None:
        return None if status in {302, 401, 403, UNKNOWN} else "nobody should come by this method"
    if wanted == OPEN:
        return None if status not in {401, 403} else "everybody may come here"
    if who == "nobody":
        return None if status in ({401, 403} if address.is_api else {302}) else "nobody should sign in first"
    return judge_person(address, who, method, wanted, status)


def judge_person(address: Address, who: str, method: str, wanted: Permission | str, status: int) -> str | None:
    """The same of somebody who is signed in."""
    if wanted == SIGNED_IN:
        return None if status not in {401, 403} else "every signed-in person may come here"
    if wanted == CREATE:
        return None if (status != 403) == (who == "root") else "only who may make projects comes here"
    if who == "otto":
        return None if status == UNKNOWN else "an outsider should learn nothing"
    if who != "root" and wanted not in PERMISSIONS[MEMBERS[who]]:
        return None if status in {403, UNKNOWN} else "this role should be told that it may not"
    if NEEDS[address.name].own and method != "get":
        return None if status == 403 else "only the one whose it is comes here"
    return "this role may come here" if status in {401, 403} else None


def test_the_judge_sees_each_fault() -> None:
    """The judge itself: what it must call a fault, it calls one."""
    address = next(address for address in ALL if address.name == "people")
    assert judge(address, "otto", "get", Permission.VIEW, 200)
    assert judge(address, "otto", "get", Permission.VIEW, 403)
    assert judge(address, "nobody", "get", Permission.VIEW, 200)
    assert judge(address, "ana", "post", Permission.RUN, 200)
    assert judge(address, "ana", "get", Permission.VIEW, 403)
    assert judge(address, "ada", "get", Permission.VIEW, 500)
    assert judge(address, "ada", "get", Permission.VIEW, 405)
    assert judge(address, "ana", "post", None, 200)
    assert not judge(address, "ana", "get", Permission.VIEW, 200)
    assert not judge(address, "otto", "get", Permission.VIEW, 404)
    assert isinstance(NEEDS["people"], Need)
