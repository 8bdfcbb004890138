"""When two ways of writing a class name mean the same."""

from __future__ import annotations

import re

_BREAKS = re.compile(r"[\s_\-]+")


def normal(label: str) -> str:
    """`White_Blood-Cell ` and `white blood cell` are one label: case, spaces, underscores and hyphens do not count."""
    return _BREAKS.sub(" ", label.strip()).casefold()


def slug(label: str, limit: int = 60) -> str:
    """A key made of a label: lower case letters, digits and underscores; `class` where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "_", label.casefold()).strip("_")[:limit] or "class"
