"""Secrets that are shown once and kept only as a hash: of links and of tokens."""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits as letters that an address can carry."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """SHA-256, hexadecimal. Plain, because the secrets are random: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()
