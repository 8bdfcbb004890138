"""The keys of the workbench: each person has them as they come, but for those that were changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.db import transaction

from annotation.errors import Refused
from annotation.models import KeyBindings

# More than there are commands, or keys that anybody would give to one.
MOST_COMMANDS, MOST_KEYS, LONGEST = 300, 4, 40
_NAME = re.compile(r"[a-zA-Z0-9.]{1,60}")

Bindings = Mapping[str, Sequence[str]]


def key_bindings_of(actor: User) -> dict[str, list[str]]:
    """What a person has changed, by the name of a command."""
    found = KeyBindings.objects.filter(user=actor).values_list("bindings", flat=True).first()
    return found or {}


@transaction.atomic
def change_key_bindings(*, actor: User, bindings: Bindings) -> KeyBindings:
    """Keep `bindings` as all that `actor` has changed; none brings the keys back as they come.

    Which commands there are is known to the page alone. Raises Refused for what no page of ours sends: a plain letter,
    which belongs to the classes, or one key for two commands.
    """
    _check(bindings)
    kept = {name: list(keys) for name, keys in bindings.items()}
    row, _ = KeyBindings.objects.update_or_create(user=actor, defaults={"bindings": kept})
    return row


def _check(bindings: Bindings) -> None:
    if len(bindings) > MOST_COMMANDS:
        raise Refused(f"These are keys of {len(bindings)} commands: send at most {MOST_COMMANDS}.")
    for name, keys in bindings.items():
        if not _NAME.fullmatch(name):
            raise Refused(f"{name[:60]!r} is no name of a command.")
        if len(keys) > MOST_KEYS or any(not 0 < len(key) <= LONGEST for key in keys):
            raise Refused(f"{name} can have at most {MOST_KEYS} keys of at most {LONGEST} letters each.")
        if any(len(key) == 1 and key.isalpha() for key in keys):
            raise Refused("Plain letters are the keys of the classes: choose one with Shift, Ctrl or Alt.")
    twice = [key for key, count in Counter(key for keys in bindings.values() for key in keys).items() if count > 1]
    if twice:
        raise Refused(f"{twice[0]} is the key of two commands: choose another for one of them.")
