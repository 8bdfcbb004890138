"""A model's card as lines of term and value, for its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from learning.models import ModelVersion
from learning.settings import from_row
from learning.views.words import settings_in_words

UNKNOWN = "not noted at that time"


@dataclass(frozen=True, slots=True)
class Line:
    term: str
    value: str


def training_lines(model: ModelVersion) -> list[Line]:
    """From what, on what and how it was trained."""
    card = model.card
    return [
        Line("Network", f"{model.variant}, {model.get_kind_display().lower()}"),
        Line("Started from", str(card.get("weights_from") or UNKNOWN)),
        Line("Epochs", _epochs(card)),
        Line("Trained on", _fields(card)),
        Line("Tile", f"{model.tile} working pixels"),
        Line("Shrink", "none" if model.shrink == 1 else f"{model.shrink:g} of a circle's box"),
        Line("Cell at working size", _or_unknown(card.get("cell_px"), "{:g} px for 12 µm")),
        Line("Threshold", f"{model.threshold:.3f}, chosen on tuning"),
        Line("Device", str(card.get("device") or UNKNOWN)),
    ]


def _epochs(card: Mapping[str, Any]) -> str:
    if "epochs" not in card:
        return UNKNOWN
    best = f", the best was {card['best_epoch']}" if card.get("best_epoch") else ""
    return f"{card['epochs']}{best}"


def _fields(card: Mapping[str, Any]) -> str:
    number = card.get("fields_trained_on")
    if number is None:
        return UNKNOWN
    pseudo = card.get("pseudo_labelled_fields")
    return f"{number} fields" + (f", {pseudo} of them labelled by its teacher" if pseudo else "")


def _or_unknown(value: Any, words: str) -> str:
    return UNKNOWN if value is None else words.format(value)


def setting_lines(model: ModelVersion) -> list[Line]:
    """None for a model that no round has made."""
    settings = model.card.get("settings")
    if not settings:
        return []
    try:
        return [Line(line.words, line.value) for line in settings_in_words(from_row(settings))]
    except msgspec.ValidationError:  # settings that are not known any more are shown as they were
        return [Line(str(name), str(value)) for name, value in settings.items()]


def differing_settings(first: ModelVersion, second: ModelVersion) -> Iterator[tuple[str, str, str]]:
    """What was set, or came about, differently: (what, of the first, of the second)."""
    with_settings = bool(first.card.get("settings") and second.card.get("settings"))
    a, b = (_all(model, with_settings) for model in (first, second))
    for name in dict.fromkeys([*a, *b]):
        one, other = a.get(name, "\N{EN DASH}"), b.get(name, "\N{EN DASH}")
        if one != other:
            yield name, one, other


def _all(model: ModelVersion, with_settings: bool) -> dict[str, str]:
    lines = [*training_lines(model), *(setting_lines(model) if with_settings else [])]
    classes = ", ".join(model.card.get("classes") or [])
    return {line.term: line.value for line in lines} | {"Classes": classes}


def class_lines(model: ModelVersion, names: Mapping[str, str]) -> list[tuple[str, int | None]]:
    """Each class the network tells apart, with the cells it learned from; None where that was not noted."""
    cells = model.card.get("cells")
    return [
        (names.get(key, key), None if cells is None else cells.get(key, 0)) for key in model.card.get("classes", [])
    ]


def rolled_up(model: ModelVersion, names: Mapping[str, str]) -> list[tuple[str, int]]:
    """Classes that had too few cells to be learned on their own, and how many they lacked."""
    return [(names.get(key, key), lacking) for key, lacking in (model.card.get("rolled_up") or {}).items()]
