"""Looking at fields with an ONNX file: as the product does, and as ultralytics would."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.smears import Smear
from models_zoo.detections import Detections
from models_zoo.images import Pixels, read_rgb
from models_zoo.metrics import Report, Truth, compare, evaluate
from models_zoo.runtime import OnnxDetector, detect

Found = dict[str, Detections]
THREADS = 2


def look_letterboxed(onnx: str, smears: Sequence[Smear], side: int) -> Found:
    """As ultralytics looks: every picture enlarged or reduced until its longer side is `side`.

    Its resizing (cv2, bilinear), then our network output (the head with all scores) and our suppression, as for the
    product's own models. The padding to a multiple of 32 stands at the right and below instead of on all sides.
    """
    network = OnnxDetector(onnx, THREADS)
    found = {}
    for smear in smears:
        image, across, down = letterboxed(read_rgb(smear.picture), side)
        seen = detect(network, image, 1.0, side)
        boxes = (seen.boxes / np.array([across, down, across, down])).astype(np.float32)
        found[smear.key] = Detections(boxes, seen.scores, seen.features)
    return found


def letterboxed(image: Pixels, side: int) -> tuple[Pixels, float, float]:
    """The picture with a longer side of `side`, and by how much its width and its height were multiplied."""
    height, width = image.shape[:2]
    share = side / max(height, width)
    new = min(int(np.ceil(width * share)), side), min(int(np.ceil(height * share)), side)
    resized = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8), new[0] / width, new[1] / height


def look_as_product(folder: Path, smears: Sequence[Smear], names: Sequence[str]) -> Found:
    """What a model that the product exported to `folder` (export_model) finds; columns in the order of `names`."""
    card = json.loads((folder / "card.json").read_text())
    network = OnnxDetector(folder / "model.onnx", THREADS)
    columns = columns_of([str(name) for name in card["classes"]], names)
    found = {}
    for smear in smears:
        scale = scale_of(card, max(smear.width, smear.height))
        seen = detect(network, read_rgb(smear.picture), scale, int(card["tile"]), shrink=card["shrink"])
        scores = np.zeros((len(seen), len(names)), np.float32)
        scores[:, columns] = seen.scores
        found[smear.key] = Detections(seen.boxes, scores, seen.features)
    return found


def columns_of(learned: Sequence[str], names: Sequence[str]) -> list[int]:
    """For each class the model learned, its place among the data set's `names`; raises ValueError for a strange one."""
    known = [name.casefold() for name in names]
    return [known.index(name.casefold()) for name in learned]


def scale_of(card: dict[str, Any], longest: int) -> float:
    """Working pixels per pixel of a field whose µm per pixel nobody knows: by the median cell the model learned, but
    never less than one tile for the field's longer side (as learning.exchange.scale_of)."""
    if not card["median_px"]:
        return 1.0
    scale = max(card["cell_px"] / card["median_px"], min(1.0, card["fill_px"] / longest))
    return float(round(min(2.0, scale), 4))


def judged(smears: Sequence[Smear], found: Found, names: Sequence[str]) -> Report:
    return evaluate(truths(smears), found, names)


def difference(smears: Sequence[Smear], one: Found, other: Found, names: Sequence[str]) -> dict[str, Any]:
    """AP50 of `one` minus that of `other` on the same pictures, with a paired bootstrap interval of 95 %."""
    made = compare(truths(smears), one, other, names, resamples=400)
    return {"difference": made.difference, "interval": made.interval, "better": made.better}


def truths(smears: Sequence[Smear]) -> dict[str, Truth]:
    return {smear.key: smear.truth() for smear in smears}


def seconds_for(model: Path, picture: Path, tile: int, times: int = 5) -> dict[str, Any]:
    """Seconds from a picture file to its detections at scale 1 on THREADS threads: the median, after one to warm up."""
    network = OnnxDetector(model, THREADS)
    spent = []
    for _ in range(times + 1):
        began = time.perf_counter()
        seen = detect(network, read_rgb(picture), 1.0, tile)
        spent.append(time.perf_counter() - began)
    return {"median": statistics.median(spent[1:]), "all": [round(s, 3) for s in spent[1:]], "detections": len(seen)}
