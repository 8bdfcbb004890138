"""What the zoo is asked for and what it answers, as plain values that can be written to JSON.

Coordinates are pixels of the field as a person sees it (orientation applied), x to the right, y down, the
corner of the first pixel is (0, 0). Nothing in this file knows a database, torch or a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

Kind = Literal["circle", "box", "contour"]


@dataclass(frozen=True, slots=True)
class Target:
    """One labelled cell of a field.

    `points` is (cx, cy, r) for a circle, (x0, y0, x1, y1) for a box, (x0, y0, x1, y1, x2, y2, ...) for a
    contour. `label` is an index into the request's `classes`; -1 means that no claim is made about the place
    (class `unsure`): it must be learned neither as a cell nor as background.
    """

    kind: Kind
    points: tuple[float, ...]
    label: int


@dataclass(frozen=True, slots=True)
class FieldRecord:
    """One field: where its picture lies, how large it is, how it is scaled, what is labelled on it.

    `scale` is working pixels per field pixel (the picture is resized by it before tiling). `case` groups the
    fields of one patient for bootstrap intervals; without a known case it is the field's own key.
    """

    key: str
    path: str
    width: int
    height: int
    scale: float
    case: str = ""
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """Everything a training needs, so that it can be repeated from one file without a server.

    `tile` is the side, in working pixels, of the square the network sees. `shrink` multiplies the side of a
    circle's box before training (METHODS section 1); boxes and contours are never shrunk. `weights` is a file
    to start from, None means from the architecture alone. `teacher` is a weights file for feature
    distillation. `out` is a folder that belongs to this one attempt; `resume_from` a checkpoint of an earlier
    attempt. `parameters` are those of the family that shall differ from its defaults (Spec.parameters). `anms` trains
    nothing: it goes onto the model's card, for whoever runs the model (nms.anms, 0 is off). Time limits belong to the
    caller.
    """

    variant: str
    classes: tuple[str, ...]
    training: tuple[FieldRecord, ...]
    validation: tuple[FieldRecord, ...]
    out: str
    tile: int
    epochs: int
    batch: int
    seed: int
    device: str = "cpu"
    threads: int = 0
    shrink: float = 1.0
    patience: int = 0
    weights: str | None = None
    weights_from: str = "scratch"
    teacher: str | None = None
    distil_weight: float = 6.0
    resume_from: str | None = None
    anms: float = 0.0
    parameters: dict[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """One finished epoch: number `epoch` of `epochs` (from 1), mean losses, seconds since the start of training.

    `notes`: what has happened on the way that people should know, such as a batch that was made smaller.
    """

    epoch: int
    epochs: int
    losses: dict[str, float]
    seconds: float
    seconds_left: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a training left behind. `weights` and `onnx` are files inside the request's `out`; `onnx` is "" where the
    family has no such form."""

    weights: str
    onnx: str
    epochs: int
    best_epoch: int
    seconds: float
    weights_from: str
    threads: int
    device: str
    tiles: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectRequest:
    """Look for cells on fields with a trained model (`model`: an .onnx or a .pt file).

    `variant` says which family made a .pt file, "" means the families' default; an .onnx file needs none.
    `shrink` is the factor the model was trained with: what it finds is enlarged by the inverse. Results go to
    `out` (see `detections.save`). `features` asks for one vector a detection as well. `anms` is the share of a box
    that must lie within a larger one for it to be dropped (nms.anms), 0 means never, None means what the model's
    card says. `extra` may name parameters of the family that belong to looking (Spec.parameters).
    """

    model: str
    fields: tuple[FieldRecord, ...]
    out: str
    tile: int
    shrink: float = 1.0
    min_score: float = 0.001
    nms_iou: float = 0.6
    max_detections: int = 1000
    device: str = "cpu"
    threads: int = 0
    features: bool = False
    extra: dict[str, float] = field(default_factory=dict)
    variant: str = ""
    anms: float | None = None


class Cancelled(Exception):
    """Raised by a progress callback to end a training so that it can be resumed from its last checkpoint."""


class OutOfMemory(Exception):
    """The memory of the card was too small for what was asked; raised by `models_zoo.call` whatever the family."""


def to_json(record: TrainRequest | DetectRequest | TrainResult) -> bytes:
    return msgspec.json.encode(record)


def train_request(data: bytes) -> TrainRequest:
    """The request written in `data`; raises msgspec.ValidationError, which names the offending place."""
    return msgspec.json.decode(data, type=TrainRequest)


def detect_request(data: bytes) -> DetectRequest:
    """The request written in `data`; raises msgspec.ValidationError, which names the offending place."""
    return msgspec.json.decode(data, type=DetectRequest)
