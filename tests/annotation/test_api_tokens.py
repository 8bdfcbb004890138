"""Tokens at the door of the API: scope, end, withdrawal, owner, rate."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from annotation.actions.tokens import make_token, withdraw_token
from annotation.models import Membership, Scope, Token
from tests.annotation.calling import call, cell
from tests.cast import Cast
from tests.learning import rows

SCOPES = (Scope.READ, Scope.LABEL, Scope.EVERYTHING)


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


def program(user: User, scope: Scope = Scope.EVERYTHING) -> tuple[Client, Token]:
    token, secret = make_token(actor=user, name="script", scope=scope, days=1)
    return Client(headers={"Authorization": f"Bearer {secret}"}), token


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_is_how_far_a_token_reaches(cast: Cast, scope: Scope) -> None:
    field = rows.field(cast.project)
    client, _ = program(cast.ada, scope)
    assert call(client, "get", "projects/study/")["role"] == "administrator"
    labels = 403 if scope == Scope.READ else 200
    path = f"projects/study/fields/{field.code}/readings/"
    said = call(client, "post", path, status=labels)
    if labels == 403:
        assert "scope" in said["message"]
    else:
        body = {"changes": [cell(1)]}
        call(client, "post", f"readings/{said['reading']['id']}/changes/", body, status=200)
    changes = 200 if scope == Scope.EVERYTHING else 403
    call(client, "patch", "projects/study/", {"name": "Renamed"}, status=changes)
    call(client, "post", "projects/study/roll-back/", status=422 if scope == Scope.EVERYTHING else 403)


def test_a_token_reaches_no_further_than_its_owner(cast: Cast) -> None:
    client, _ = program(cast.ana)
    call(client, "get", "projects/study/people/", status=403)
    Membership.objects.filter(user=cast.ana).delete()
    call(client, "get", "projects/study/", status=404)
    assert call(client, "get", "projects/")["count"] == 0


def test_an_end_a_withdrawal_and_an_owner_who_left(cast: Cast) -> None:
    client, token = program(cast.ana)
    call(client, "get", "projects/")
    token.refresh_from_db()
    assert token.used_at is not None
    Token.objects.filter(pk=token.pk).update(ends_at=timezone.now() - timedelta(seconds=1))
    assert "ended" in call(client, "get", "projects/", status=401)["message"]
    client, token = program(cast.ana)
    withdraw_token(token=token, actor=cast.ana)
    call(client, "get", "projects/", status=401)
    client, _ = program(cast.ana)
    User.objects.filter(pk=cast.ana.pk).update(is_active=False)
    call(client, "get", "projects/", status=401)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "Bearer x", "Bearer ü", "bearer \x00", "Basic YTpi", "x" * 5000]
)
def test_what_is_no_token(cast: Cast, header: str) -> None:
    answer = Client(headers={"Authorization": header}).get("/api/projects/")
    assert answer.status_code == 401
    assert answer.json()["message"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_needs_no_token_of_a_form(cast: Cast) -> None:
    _, secret = make_token(actor=cast.ada, name="script", scope=Scope.EVERYTHING, days=1)
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})
    call(client, "patch", "projects/study/", {"name": "Renamed"})


def test_a_program_that_asks_too_often_waits(cast: Cast, settings: Any) -> None:
    settings.API_RATE = 3
    client, _ = program(cast.ana)
    for _ in range(3):
        call(client, "get", "projects/")
    second, _ = program(cast.ana)
    answer = second.get("/api/projects/")
    assert answer.status_code == 429, "all tokens of one person count together"
    assert "wait" in answer.json()["message"]
    assert int(answer.headers["Retry-After"]) > 0
    call(program(cast.rui)[0], "get", "projects/")
    call(cast.client("ana"), "get", "projects/", status=200)
    settings.API_RATE = 0
    call(client, "get", "projects/")


def test_what_is_not_there_is_answered_as_json(cast: Cast) -> None:
    for path in ("nothing/", "projects/study/fields/F1/nothing/", "readings/x/cells/"):
        assert call(cast.client("ana"), "get", path, status=404)["message"]
