"""One thing that is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """`grade` bad: something does not work or is lost; warning: it may soon. `type` says what to type or do."""

    name: str
    grade: Literal["bad", "warning"]
    what: str
    type: str
