"""Requests that nobody should send, to every address of the API: nothing breaks, and nobody sees what is not theirs.

    python -m benchmarks.fuzz [--small|--full] --json

README.md says what is sent and defines the keys.
"""

from __future__ import annotations

import logging
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hypothesis
import schemathesis
from hypothesis import strategies as st
from schemathesis import checks as known_checks

from benchmarks.frame import Outcome, Task, run

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tests.house.access_world import World

# Stands in the original name of every field: no answer may hold it.
NAME_OF_A_FILE = "Mustermann-Max"
MANY = {"small": (6, 2), "full": (60, 15)}  # requests for each operation: as administrator, as each of the others
ACTING = ("post", "put", "patch", "delete")

# Bodies that are JSON, or nearly, and that no operation can want.
HOSTILE: tuple[bytes, ...] = (
    b"",
    b"null",
    b"[]",
    b'""',
    b"7",
    b"{",
    b"\xff\xfe",
    b"NaN",
    b'{"changes": NaN}',
    b"[" * 50_000,
    b'{"reason": "\\u0000", "name": "\\u0000", "note": "\\u0000"}',
    b'{"reason": "\\ud800", "name": "\\ud800", "note": "\\ud800"}',
    b'{"name": {"a": []}, "reason": [1], "role": {}, "changes": {}, "files": "x", "until": 5, "number": "x"}',
    b'{"name": "x", "um_per_px": 1e999, "cell_px": "nan", "shrink": "inf", "min_labelled": 99999999999999999999999}',
    b'{"name": "x", "um_per_px": 9223372036854775807, "cell_px": -1, "parent": 9223372036854775807, "release": 0}',
    b'{"files": [{"name": "\\u202e../../x", "size": 4611686018427387904}], "seed": -1, "tile": 33, "epochs": true}',
    b'{"changes": [null, 7, [], {"type": "cell"}, {"type": "cell", "uuid": "{0}", "version": 0, "class": 1,'
    b' "shape": {"kind": "circle", "points": [1e308, -1e308, 1e308]}, "attributes": {"a": {"b": []}}}]}',
)
# Words for the query of an address.
QUERIES = (
    "page=0",
    "page=-1",
    "page=99999999999999999999999999",
    "page_size=99999999999999999999",
    "page_size=%00&q=%00&split=%00&case=%00&state=x&kind=x",
    "cursor=%00",
    "cursor=cD0lMDA%3D",
    "cursor=bz05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk%3D",
    "cursor=cD14",
    "class=x&field=%F0%28&labelled=maybe&offset=-1&limit=0&of=../../etc&small=2",
    "offset=99999999999999999999999&limit=1e9&of=%00&round=1e3",
    "from_current=perhaps&number=%u0000",
)
# What may stand in an address where a name or number stands.
PLACES = ("0", "%00", "9223372036854775808", "99999999999999999999999999999", "x" * 300, "..%2f..", "ü", "-1", "1e3")


@dataclass(slots=True)
class Found:
    """Counts of what was sent and seen, with the first words of each fault."""

    requests: int = 0
    faults: dict[str, list[str]] = field(
        default_factory=lambda: {"server_errors": [], "access_leaks": [], "names_told": [], "unconforming": []}
    )
    answers: Counter[str] = field(default_factory=Counter)

    def fault(self, kind: str, words: str) -> None:
        self.faults[kind].append(words[:600])

    def counts(self) -> dict[str, int]:
        return {"requests": self.requests, **{kind: len(words) for kind, words in self.faults.items()}}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token. `may` says of a permission whether this one has it; by a narrow token one reads only."""

    name: str
    secret: str
    permissions: frozenset[str]
    is_root: bool = False
    writes: bool = True

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}


def measure(task: Task) -> Outcome:
    prepare(str(task.folder))
    from tests.house.access_world import make_world

    found = Found()
    world = make_world()
    task.say("the project is there")
    callers = make_callers(world)
    walk(world, callers, found)
    task.say(f"walked every address as everybody: {found.counts()}")
    batter(world, callers[0], found)
    task.say(f"sent what nobody should: {found.counts()}")
    most, few = MANY[task.setting]
    for caller in callers:
        guess(world, caller, found, most if caller is callers[0] else few)
        task.say(f"guessed by the schema as {caller.name}: {found.counts()}")
    return Outcome(found.counts(), {"faults": found.faults, "answers": dict(found.answers)})


def prepare(home: str) -> None:
    """Django with an empty database of its own. Must come before anything loads the settings."""
    os.environ["MARROWLOOP_HOME"] = home
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["MARROWLOOP_API_RATE"] = "0"
    os.environ.pop("DATABASE_URL", None)
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.ALLOWED_HOSTS.append("testserver")  # what Django's client calls itself
    call_command("migrate", verbosity=0)


def make_callers(world: World) -> list[Caller]:
    """The administrator of the installation first, then each role, an outsider, narrow tokens, and nobody."""
    from annotation.access import PERMISSIONS, Permission
    from annotation.models import Field, Role, Scope

    Field.objects.filter(project=world.cast.project).update(original_name=f"{NAME_OF_A_FILE}.png")
    cast = world.cast
    roles = {"ana": Role.ANNOTATOR, "rui": Role.REVIEWER, "lea": Role.ENGINEER, "ada": Role.ADMINISTRATOR}
    everything = frozenset(Permission)
    return [
        Caller("root", _token(cast.root, Scope.EVERYTHING), everything, is_root=True),
        *(Caller(who, _token(getattr(cast, who), Scope.EVERYTHING), PERMISSIONS[role]) for who, role in roles.items()),
        Caller("otto", _token(cast.otto, Scope.EVERYTHING), frozenset()),
        Caller("root, reading", _token(cast.root, Scope.READ), everything, is_root=True, writes=False),
        Caller("nobody", "", frozenset()),
    ]


def _token(user: User, scope: Any) -> str:
    from annotation.actions.tokens import make_token

    return make_token(actor=user, name="fuzz", scope=scope, days=1)[1]


def walk(world: World, callers: list[Caller], found: Found) -> None:
    """Every address of the product by every method, as everybody, by token and by session."""
    from tests.house.test_access import addresses

    for address in addresses():
        path = world.path(address.route)
        for caller in callers:
            for method in ("get", *ACTING):
                _send(world, caller, method, path, found, body=b"{}")
        for who in ("nobody", "otto", "ana", "rui", "lea", "ada"):
            caller = next(one for one in callers if one.name == who)
            for method in ("get", *ACTING):
                _send(world, caller, method, path, found, body=b"{}", session=who)


def batter(world: World, caller: Caller, found: Found, *, bodies: Sequence[bytes] = HOSTILE) -> None:
    """Every address of the API with hostile bodies, queries and places, as one who may everything."""
    from tests.house.test_access import addresses

    for address in addresses():
        if not address.is_api:
            continue
        path = world.path(address.route)
        for query in QUERIES:
            _send(world, caller, "get", f"{path}?{query}", found)
        for method in ("post", "put", "patch"):
            for body in bodies:
                _send(world, caller, method, path, found, body=body)
            _send(world, caller, method, path, found, body=b"x=1", kind="application/x-www-form-urlencoded")
            _send(world, caller, method, path, found, body=b"{}", kind="application/octet-stream")
        for place in PLACES:
            for word in set(_words(address.route)):
                _send(world, caller, "get", _replaced(world, address.route, word, place), found)


def _words(route: str) -> list[str]:
    return [part.partition(">")[0] for part in route.split("<")[1:]]


def _replaced(world: World, route: str, word: str, place: str) -> str:
    """The path of `route` with `place` where `word` stands."""
    before, _, after = world.path(route.replace(f"<{word}>", "-PLACE-", 1)).partition("-PLACE-")
    return before + place + after


def guess(world: World, caller: Caller, found: Found, many: int) -> None:
    """What the schema allows, and what it does not, with the names of what is really there in half of the addresses."""
    from config.wsgi import application

    chance = random.Random(0)
    with one_connection():
        schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
        operations: Iterator[Any] = schema.get_all_operations()
        for operation in (result.ok() for result in operations):
            modes = list(schemathesis.GenerationMode)
            strategy = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
            _guess(world, caller, found, strategy, many, chance)


def _guess(world: World, caller: Caller, found: Found, strategy: Any, many: int, chance: random.Random) -> None:
    conforms = [
        known_checks.CHECKS.get_one(name)
        for name in ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
    ]

    @hypothesis.settings(
        max_examples=many,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def each(case: Any) -> None:
        if chance.random() < 0.75:
            near = case.path.split("/")
            case.path_parameters = {
                name: _known(world, name, near[near.index(f"{{{name}}}") - 1], value)
                for name, value in (case.path_parameters or {}).items()
            }
        with undone():
            answer = case.call(headers=caller.headers)
        found.requests += 1
        found.answers[f"{answer.status_code}"] += 1
        path = case.formatted_path
        _judge(caller, case.method.lower(), path, answer.status_code, answer.content, found)
        try:
            case.validate_response(answer, checks=conforms)
        except (schemathesis.errors.SchemathesisError, AssertionError, BaseExceptionGroup) as error:
            told = " | ".join(map(str, error.exceptions)) if isinstance(error, BaseExceptionGroup) else str(error)
            found.fault("unconforming", f"{case.method} {path} as {caller.name}: {answer.status_code}: {told}")

    each()


def _known(world: World, name: str, near: str, value: Any) -> Any:
    word = "pk" if name == "id" else name
    return world.places.get(f"{near}/{word}", world.places.get(word, value))


def _send(
    world: World,
    caller: Caller,
    method: str,
    path: str,
    found: Found,
    *,
    body: bytes = b"",
    kind: str = "application/json",
    session: str = "",
) -> None:
    from django.test import Client

    client = world.cast.client(session) if session else Client(headers=caller.headers)
    client.raise_request_exception = False
    with undone():
        sent = {} if method == "get" else {"data": body, "content_type": kind}
        answer = getattr(client, method)(path, **sent)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    found.requests += 1
    found.answers[f"{answer.status_code}"] += 1
    _judge(caller, method, path.partition("?")[0], answer.status_code, content, found, pages=bool(session))


def _judge(
    caller: Caller, method: str, path: str, status: int, content: bytes, found: Found, *, pages: bool = False
) -> None:
    words = f"{method.upper()} {path} as {caller.name}: {status}"
    if status >= 500:
        found.fault("server_errors", f"{words} {content[:200]!r}")
    if path.startswith("/api/") and NAME_OF_A_FILE.encode() in content:
        found.fault("names_told", words)
    if 200 <= status < 300 and not _may(caller, method, path, pages=pages):
        found.fault("access_leaks", words)


def _may(caller: Caller, method: str, path: str, *, pages: bool) -> bool:
    """Whether `caller` may be told anything here, by the table of the access test."""
    from django.urls import Resolver404, resolve
    from django.utils.encoding import uri_to_iri

    from tests.house.access_table import NEEDS, OPEN

    try:
        match = resolve(uri_to_iri(path))
    except (Resolver404, UnicodeError):
        return True
    if not pages and not path.startswith("/api/"):
        return True  # pages know no tokens: whoever has only one is nobody there
    need = NEEDS[match.url_name or match.route]
    wanted = need.look if method in {"get", "head", "options"} else need.act
    if method == "options" or wanted == OPEN:
        return True
    if method != "get" and not caller.writes:
        return False
    if caller.name == "nobody" or wanted is None:
        return False
    return wanted not in {"view", "label", "review", "run", "administer"} or wanted in caller.permissions


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside is taken back, so that each request finds the same project."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def one_connection() -> Iterator[None]:
    """The application runs in this thread and inside our transaction: it must not close the connection."""
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def quiet() -> None:
    """The log would tell each refusal: thousands are meant."""
    logging.disable(logging.CRITICAL)


if __name__ == "__main__":
    quiet()
    sys.exit(run("fuzz", "Sends what nobody should to every address of the API.", measure))
