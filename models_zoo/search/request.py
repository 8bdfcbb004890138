"""What a search is asked for and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from models_zoo.records import FieldRecord, TrainRequest

Objective = Literal["ap50", "f1"]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Try `trials` settings of the model in `train`, each trained on its training fields and judged on `tuning`.

    `train.out` is the folder of the search: its storage, one folder a trial, the final model and result.json.
    `vary` are names of the family's parameters, or of GENERAL ones (spaces.py); empty means all that can be searched.
    `test` is measured once, at the end. `seconds` stops new trials when so much time was spent in this call; 0: never.
    """

    train: TrainRequest
    tuning: tuple[FieldRecord, ...]
    test: tuple[FieldRecord, ...]
    trials: int = 20
    vary: tuple[str, ...] = ()
    objective: Objective = "ap50"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`settings`: what the best trial drew. `threshold` and `gate` were fixed on the models before the retraining that
    spends the tuning fields; `test` holds the figures of the retrained model, measured once. `trials` counts those that
    were finished, over all calls."""

    settings: dict[str, bool | int | float | str]
    tuning: float | None
    default: float | None
    threshold: float
    gate: dict[str, Any]
    test: dict[str, Any]
    weights: str
    onnx: str
    trials: int
    failed: int
    notes: tuple[str, ...] = field(default_factory=tuple)


def search_request(data: bytes) -> SearchRequest:
    """The request written in `data`; raises msgspec.ValidationError, which names the offending place."""
    return msgspec.json.decode(data, type=SearchRequest)
