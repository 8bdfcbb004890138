"""A classifier by onnxruntime and numpy alone: what the light worker runs when a person uploads one cell.

Contract of the file: input `x` (B, 3, side, side) float32, RGB in 0..1. Outputs `scores` (B, classes) adding up to 1,
`evidence` (B, classes, h, w), whose relu is Grad-CAM, and `features` (B, d). Metadata `card`: `kind` classifier,
`classes`, `tile` (the side), `parameters` (with `margin` and `backbone`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from models_zoo import detections
from models_zoo.classifier.crops import LEAST_SIDE, cut, square
from models_zoo.classifier.heat import Heat, grad_cam
from models_zoo.classifier.naming import Named, name_cells
from models_zoo.detections import Detections, Floats
from models_zoo.images import Pixels, read_rgb
from models_zoo.records import DetectRequest
from models_zoo.shapes import Box

KEPT = 2
_OUTPUTS = ("scores", "evidence", "features")


class OnnxClassifier:
    """Raises FileNotFoundError where the file is missing, ValueError where it is no classifier of this zoo."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"there is no model file {path}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base class but this
            raise ValueError(f"{path} cannot be opened as an ONNX model: {error}") from error
        if not {output.name for output in self._session.get_outputs()}.issuperset(_OUTPUTS):
            raise ValueError(f"{path} is not a classifier of this zoo: it needs the outputs {', '.join(_OUTPUTS)}")
        self.card: dict[str, Any] = json.loads(self._session.get_modelmeta().custom_metadata_map["card"])
        self.classes: tuple[str, ...] = tuple(self.card["classes"])
        self.side = int(self.card["tile"])
        self.margin = float(self.card["parameters"]["margin"])

    def look(self, crops: list[Pixels]) -> tuple[Floats, Floats, Floats]:
        """`scores`, `evidence` and `features` of the crops, each (side, side, 3)."""
        batch = np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2), np.float32) / np.float32(255)
        scores, evidence, features = self._session.run(list(_OUTPUTS), {"x": batch})
        return scores, evidence, features

    def __call__(self, crops: list[Pixels]) -> Named:
        scores, _, features = self.look(crops)
        return Named(scores, features)


@dataclass(frozen=True, slots=True)
class Answer:
    """One cell: `classes` with their confidences, the surest first; `crop` (side, side, 3) as the network saw it;
    `heat` (side, side) in 0..1, Grad-CAM of the first class; `square`, the place of the crop in the picture; `steps`,
    the preprocessing that was applied, in plain words."""

    classes: tuple[tuple[str, float], ...]
    crop: Pixels
    heat: Heat
    square: Box
    steps: tuple[str, ...]


def explain_cell(model: Path, image: Pixels, box: Box | None = None, threads: int = 0) -> Answer:
    """Class, confidence and Grad-CAM of the cell at `box` of `image` (h, w, 3); without a box the picture is the cell.

    Raises as OnnxClassifier does, and ValueError for a picture under 8 pixels.
    """
    classifier = warm(model, threads)
    height, width = image.shape[:2]
    if min(width, height) < LEAST_SIDE:
        raise ValueError(f"the picture has {width} x {height} pixels, too few to show a cell: give at least 8 x 8")
    place = box or (0.0, 0.0, float(width), float(height))
    crop = cut(image, place, classifier.side, classifier.margin)
    scores, evidence, _ = classifier.look([crop])
    order = np.argsort(-scores[0], kind="stable")
    classes = tuple((classifier.classes[i], float(scores[0, i])) for i in order)
    heat = grad_cam(evidence[0, order[0]], classifier.side)
    shown = square(place, width, height, classifier.margin)
    return Answer(classes, crop, heat, shown, _steps(image, shown, classifier.side))


def explain_file(model: Path, picture: Path, threads: int = 0) -> Answer:
    """`explain_cell` of a picture file that shows one cell. Raises ValueError where it cannot be read as a picture."""
    return explain_cell(model, read_rgb(picture), None, threads)


def _steps(image: Pixels, shown: Box, side: int) -> tuple[str, ...]:
    height, width = image.shape[:2]
    x0, y0, x1, y1 = shown
    steps = [f"read as {width} x {height} pixels, red, green and blue, 8 bits each, turned as its camera noted"]
    steps.append(f"cut to a square of {x1 - x0:.0f} pixels from ({x0:.0f}, {y0:.0f})")
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
        steps.append("beyond the border the last row or column of pixels goes on")
    steps.append(f"resized to {side} x {side} pixels, bilinear")
    return (*steps, "divided by 255; mean and spread per colour are subtracted and divided inside the network")


def detect_fields(request: DetectRequest, report: Callable[[int, int], None] | None = None) -> dict[str, Detections]:
    """As classifier.detect, with the .onnx file that the request names."""
    classifier = warm(Path(request.model), request.threads)
    found = name_cells(classifier, classifier.card, request, report)
    out = Path(request.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    detections.save(out, found)
    return found


def warm(model: Path, threads: int = 0) -> OnnxClassifier:
    """The classifier in that file, kept in memory for the next one who asks."""
    if not model.is_file():
        raise FileNotFoundError(f"there is no model file {model}")
    state = model.stat()
    return _kept(model, (state.st_mtime_ns, state.st_size, state.st_ino), threads)


@lru_cache(maxsize=KEPT)
def _kept(model: Path, _state: tuple[int, int, int], threads: int) -> OnnxClassifier:
    return OnnxClassifier(model, threads)
