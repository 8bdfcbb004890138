"""Why a field was chosen, in a sentence for the person who is asked to label it."""

from __future__ import annotations

from dataclasses import dataclass

RANDOM = "random slice"
NOTHING_FOUND = "no cell found by the model"


@dataclass(frozen=True, slots=True)
class Unsure:
    """How many uncertain cells a field has, and the two best classes of the hardest one with their scores."""

    count: int
    first: str
    second: str
    top: float
    second_top: float


def sentence(unsure: Unsure | None) -> str:
    """For example "3 uncertain cells: blast or promyelocyte (0.41 / 0.38)"."""
    if unsure is None:
        return NOTHING_FOUND
    cells = f"{unsure.count} uncertain cell{'s' if unsure.count > 1 else ''}"
    if unsure.second_top >= unsure.top / 4:
        return f"{cells}: {unsure.first} or {unsure.second} ({unsure.top:.2f} / {unsure.second_top:.2f})"
    return f"{cells}: {unsure.first} or none at all ({unsure.top:.2f})"


def rare(count: int, names: tuple[str, ...]) -> str:
    """For example "holds 2 rare cells (basophil)"."""
    return f"holds {count} rare cell{'s' if count > 1 else ''} ({', '.join(names)})"


def typical(fields: int) -> str:
    """For example "typical of about 37 fields that have no labelled one like them"."""
    if fields == 1:
        return "the only one of its kind, none like it is labelled"
    return f"typical of about {fields} fields that have no labelled one like them"


UNLIKE = "unlike anything labelled so far"
SPREAD = "drawn at random, slide by slide"
ISOLATED = "unlike every other field: check whether it is what it should be"
