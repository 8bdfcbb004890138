"""Which fields are read without predictions, so that what predictions do to readers can be measured.

If people see a model's suggestions they may follow them ("anchoring"). On a share of the fields that the project sets,
suggestions stay hidden until the reader is done; both kinds of fields are then compared.
"""

from __future__ import annotations

import hashlib

_STEPS = 2**32


def is_chosen(project: int, code: str, share: float) -> bool:
    """Whether a field belongs to the `share` (0 to 1) that is read blind.

    Always the same for the same field, as if by chance over fields; a larger share keeps those of a smaller one.
    """
    drawn = int.from_bytes(hashlib.sha256(f"blind {project} {code}".encode()).digest()[:4], "big")
    return drawn < share * _STEPS
