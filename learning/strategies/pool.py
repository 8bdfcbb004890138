"""What a strategy sees and what it answers: plain arrays in, keys with reasons out.

Nothing here knows a database, a picture or a network. Whoever fills a `Pool` has already run the detector,
calibrated its scores and looked at the pictures' quality.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

NO_SLIDE = -1


@dataclass(frozen=True)
class Pool:
    """The unlabelled fields (N), what a detector found on them (M detections) and what is labelled so far.

    Per field:
      `keys` N distinct names; `slide` (N,) group number for the cap per slide, -1 where it is not known;
      `quality` N entries, None for a usable field, otherwise why not ("blur", "blank", "duplicate of KEY");
      `embedding` (N, D), rows of length 1, or of zeros where a field has none (D may be 0);
      `expected_cost` (N,) seconds or boxes a person will spend on the field, or None.
    Per detection, sorted by field:
      `field` (M,) index into `keys`, never falling; `scores` (M, C) a probability for every class, calibrated,
      not necessarily summing to 1; `features` (M, F), F may be 0; `boxes` (M, 4) x0, y0, x1, y1 in working
      pixels (a typical cell has about 40), or (0, 4) where sizes are not known.
    Per class:
      `classes` C names; `class_counts` (C,) labelled cells; `class_quality` (C,) AP50 or F1 of the detector
      on the tuning split in 0..1, NaN where it is not known.
    Labelled fields: `labelled_embedding` (L, D).
    `budget` is the number of fields asked for; `seed` fixes every draw.

    Raises ValueError naming the array that does not fit.
    """

    classes: tuple[str, ...]
    keys: tuple[str, ...]
    slide: Ints
    quality: tuple[str | None, ...]
    embedding: Floats
    field: Ints
    scores: Floats
    features: Floats
    boxes: Floats
    class_counts: Ints
    class_quality: Floats
    labelled_embedding: Floats
    budget: int
    seed: int
    expected_cost: Floats | None = None

    def __post_init__(self) -> None:
        fields, found, classes = len(self.keys), len(self.field), len(self.classes)
        _expect("slide", self.slide.shape, (fields,))
        _expect("quality", (len(self.quality),), (fields,))
        _expect("embedding", self.embedding.shape[:1], (fields,))
        _expect("scores", self.scores.shape, (found, classes))
        _expect("features", self.features.shape[:1], (found,))
        _expect("boxes", self.boxes.shape, (found if len(self.boxes) else 0, 4))
        _expect("class_counts", self.class_counts.shape, (classes,))
        _expect("class_quality", self.class_quality.shape, (classes,))
        _expect("labelled_embedding", self.labelled_embedding.shape[1:], self.embedding.shape[1:])
        if self.expected_cost is not None:
            _expect("expected_cost", self.expected_cost.shape, (fields,))
        if len(set(self.keys)) != fields:
            raise ValueError("keys: two fields of the pool have the same key; give every field a key of its own")
        if self.budget < 0:
            raise ValueError(f"budget: asked for {self.budget} fields; ask for 0 or more")
        if self.seed < 0:
            raise ValueError(f"seed: {self.seed} is negative; give 0 or more")
        if found and (self.field[0] < 0 or self.field[-1] >= fields or np.any(np.diff(self.field) < 0)):
            raise ValueError("field: detections must be sorted by field and point at a field of the pool")

    @cached_property
    def starts(self) -> Ints:
        """(N + 1,) where each field's detections begin: those of field i are `starts[i]:starts[i + 1]`."""
        return np.searchsorted(self.field, np.arange(len(self.keys) + 1)).astype(np.int64)

    @cached_property
    def usable(self) -> Ints:
        """The fields that passed the quality gate, ordered by key, so that no answer hangs on the pool's order."""
        good = [index for index, reason in enumerate(self.quality) if not reason]
        return np.array(sorted(good, key=self.keys.__getitem__), np.int64)

    @cached_property
    def has_embedding(self) -> NDArray[np.bool_]:
        """(N,) whether a field's embedding is more than zeros."""
        return (
            np.asarray(np.any(self.embedding != 0, axis=1)) if self.embedding.size else np.zeros(len(self.keys), bool)
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """One field, how much it is worth to the strategy that chose it, and why in a sentence for a person.

    Scores order the choices of one strategy; they are not comparable between strategies.
    """

    key: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """`choices`, best first, and the fields `set_aside` for a person to check, each with its reason."""

    choices: tuple[Choice, ...]
    set_aside: tuple[Choice, ...]


Strategy = Callable[[Pool], Ranking]


def _expect(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        raise ValueError(f"{name}: has shape {shape}, the other arrays of the pool ask for {wanted}")
