"""The administrator of the installation: made on first use, with a password that is shown once."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.errors import Refused

# No letters and digits that are taken for one another when a password is typed from paper.
_LETTERS = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ234679"
LENGTH = 16


def new_password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))


@transaction.atomic
def create_administrator(*, name: str) -> tuple[User, str]:
    """A person who is administrator in every project, and the password, which is kept nowhere. Raises Refused."""
    person = User(username=name)
    person.username = User.normalize_username(name)
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as error:
        raise Refused(f"No administrator of the name {name!r} was made: {' '.join(error.messages)}") from error
    password = new_password()
    return User.objects.create_superuser(person.username, password=password), password
