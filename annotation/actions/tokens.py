"""Tokens: a person's keys for programs. Each has a scope and an end, and never reaches further than its owner."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from annotation.errors import Refused
from annotation.keys import hashed, new_secret
from annotation.models import Scope, Token

LONGEST = 366
MOST = 50


def make_token(*, actor: User, name: str, scope: Scope, days: int) -> tuple[Token, str]:
    """A token and its secret, which is told only here. Raises Refused for more days or tokens than there may be."""
    if not 1 <= days <= LONGEST:
        raise Refused(f"A token lasts from 1 to {LONGEST} days: choose a number between.")
    if actor.tokens.filter(withdrawn_at=None, ends_at__gt=timezone.now()).count() >= MOST:
        raise Refused(f"You have {MOST} tokens already: withdraw one that is not used any more.")
    secret = new_secret()
    token = Token.objects.create(
        user=actor,
        name=name[:80],
        secret_sha256=hashed(secret),
        start=secret[:6],
        scope=scope,
        ends_at=timezone.now() + timedelta(days=days),
    )
    return token, secret


def withdraw_token(*, token: Token, actor: User) -> bool:
    """False: it was withdrawn already, or is not the actor's own (nobody else is told that it exists)."""
    mine = Token.objects.filter(pk=token.pk, user=actor, withdrawn_at=None)
    return bool(mine.update(withdrawn_at=timezone.now()))
