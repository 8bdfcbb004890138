"""From a picture to detections, and the deployed detector: onnxruntime and numpy alone, no torch.

Model contract (written by a family's export). Input `x` (B, 3, H, W): float32, RGB in 0..1, H and W multiples of
32, batch and size free. Outputs: `boxes` (B, A, 4) as x0, y0, x1, y1 in input pixels; `scores` (B, A, C) in 0..1;
`points` (A, 2), the place x, y in input pixels that each of the A candidates looks at; `p3`, `p4`, `p5`
(B, channels, h, w), feature maps at strides 8, 16 and 32. The metadata entry `card` is a JSON object with what
must be known to use the model: `classes`, `tile`, `shrink`, `variant`, and `anms` where it is on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models_zoo import detections
from models_zoo.detections import Detections, Floats
from models_zoo.images import Pixels, read_field, resize
from models_zoo.nms import merge_tiles, nms, without_inner
from models_zoo.records import DetectRequest
from models_zoo.shapes import enlarge
from models_zoo.tiles import Tile, plan

STRIDES = (8, 16, 32)
MULTIPLE = 32
# Grey of the padding, as ultralytics pads in training.
PADDING = 114
# Working pixels in one batch: the network's own memory is about 100 bytes times this.
BATCH_PIXELS = 1 << 20
# Candidates of one tile that are compared at most, best first: an untrained network believes every point a little.
MAX_CANDIDATES = 10_000
# Models that stay in memory: yolo26n takes about 40 MB each.
KEPT = 3
_OUTPUTS = ("boxes", "scores", "points", "p3", "p4", "p5")


@dataclass(frozen=True, slots=True)
class RawOutputs:
    """What a network says about a batch: see the model contract above. `maps` are p3, p4 and p5."""

    boxes: Floats
    scores: Floats
    points: Floats
    maps: tuple[Floats, ...]


Network = Callable[[Floats], RawOutputs]


class OnnxDetector:
    """A network in an .onnx file, run on the CPU with `threads` threads (0: as many as onnxruntime sees fit).

    Raises FileNotFoundError where the file is missing, ValueError where it is no model or keeps another contract.
    """

    def __init__(self, path: Path | str, threads: int = 0) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"there is no model file {path}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = _session(self.path, options)
        names = {output.name for output in self._session.get_outputs()}
        if [given.name for given in self._session.get_inputs()] != ["x"] or not names.issuperset(_OUTPUTS):
            raise ValueError(f"{path} is not a detector of this zoo: it needs the input x and the outputs {_OUTPUTS}")
        self.card = _card(self.path, self._session.get_modelmeta().custom_metadata_map)
        self.classes: tuple[str, ...] = tuple(str(name) for name in self.card.get("classes", ()))

    def __call__(self, batch: Floats) -> RawOutputs:
        boxes, scores, points, *maps = self._session.run(list(_OUTPUTS), {"x": batch})
        return RawOutputs(boxes, scores, points, tuple(maps))


def _session(path: Path, options: Any) -> Any:
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but this
        raise ValueError(f"{path} cannot be opened as an ONNX model: {error}") from error


def _card(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        card = json.loads(metadata.get("card", "{}"))
    except json.JSONDecodeError as error:
        raise ValueError(f"the card inside {path} is not JSON: {error}") from error
    if isinstance(card, dict):
        return card
    raise ValueError(f"the card inside {path} is not a JSON object")


def detect(
    network: Network,
    image: Pixels,
    scale: float,
    tile: int,
    *,
    shrink: float = 1.0,
    min_score: float = 0.001,
    nms_iou: float = 0.6,
    max_detections: int = 1000,
    features: bool = False,
    anms: float = 0.0,
) -> Detections:
    """The cells that `network` sees on `image` (h, w, 3), in pixels of the image, best first.

    The image is resized by `scale`, cut into tiles (tiles.plan) and never squeezed. Every candidate whose best
    class scores above `min_score` takes part in non-maximum suppression within that class and keeps the scores
    of all classes. Boxes are divided by `scale` and enlarged by 1 / `shrink` about their centres; they may reach
    over the border of the image, as a circle may, but their centres lie inside. With `features` every detection
    brings the network's three feature maps at its place, one after the other, else a vector of length 0. With `anms`
    a box of which more than this share lies within a larger one is dropped at the end (nms.anms).
    """
    working = resize(image, scale)
    settings = _Settings(min_score, nms_iou, max_detections, features)
    height, width = working.shape[:2]
    parts: list[tuple[Tile, Detections]] = []
    for tiles in _batches(plan(width, height, tile)):
        raw = network(_input(working, tiles))
        parts += [(piece, _decode(raw, number, piece, settings)) for number, piece in enumerate(tiles)]
    found = merge_tiles(parts, nms_iou, max_detections) if len(parts) > 1 else parts[0][1]
    found = without_inner(found, anms, nms_iou)
    boxes = enlarge((found.boxes / np.float32(scale)).astype(np.float32), shrink)
    return Detections(boxes, found.scores, found.features)


@dataclass(frozen=True, slots=True)
class _Settings:
    min_score: float
    nms_iou: float
    max_detections: int
    features: bool


def _batches(tiles: Sequence[Tile]) -> Iterator[Sequence[Tile]]:
    """All tiles of a plan have one size, so any of them fit into one batch."""
    size = max(1, BATCH_PIXELS // (_padded(tiles[0].width) * _padded(tiles[0].height)))
    for start in range(0, len(tiles), size):
        yield tiles[start : start + size]


def _padded(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE


def _input(working: Pixels, tiles: Sequence[Tile]) -> Floats:
    """(len(tiles), 3, H, W) in 0..1, padded to the right and below."""
    shape = (len(tiles), 3, _padded(tiles[0].height), _padded(tiles[0].width))
    batch = np.full(shape, PADDING, np.float32)
    for number, tile in enumerate(tiles):
        seen = working[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
        batch[number, :, : tile.height, : tile.width] = seen.transpose(2, 0, 1)
    batch *= np.float32(1 / 255)
    return batch


def _decode(raw: RawOutputs, number: int, tile: Tile, settings: _Settings) -> Detections:
    """Picture `number` of the batch in tile pixels, best first, without what is centred in the padding."""
    boxes, scores = raw.boxes[number], raw.scores[number]
    top = scores.max(1)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centres >= 0) & (centres < (tile.width, tile.height))).all(1)
    some = np.flatnonzero((top > settings.min_score) & inside)
    if len(some) > MAX_CANDIDATES:
        some = np.sort(some[np.argpartition(-top[some], MAX_CANDIDATES)[:MAX_CANDIDATES]])
    labels = scores[some].argmax(1)
    kept = some[nms(boxes[some], top[some], labels, settings.nms_iou, settings.max_detections)]
    vectors = _features(raw, number, kept) if settings.features else np.zeros((len(kept), 0), np.float32)
    return Detections(boxes[kept], scores[kept], vectors)


def _features(raw: RawOutputs, number: int, kept: NDArray[np.intp]) -> Floats:
    """(len(kept), channels of p3 + p4 + p5): each map at the point that the detection looks at."""
    x, y = raw.points[kept].T
    picked = [
        layer[number][:, (y // stride).astype(np.intp), (x // stride).astype(np.intp)].T
        for layer, stride in zip(raw.maps, STRIDES, strict=True)
    ]
    return np.concatenate(picked, axis=1)


def detect_all(
    network: Network, request: DetectRequest, report: Callable[[int, int], None] | None = None
) -> dict[str, Detections]:
    """`detect` on every field of `request`, saved to its `out`.

    `report` hears (fields done, fields) before each batch of tiles and after each field: a raise of it ends the work,
    also in the midst of a large field.
    """
    found: dict[str, Detections] = {}

    def heard(batch: Floats) -> RawOutputs:
        if report is not None:
            report(len(found), len(request.fields))
        return network(batch)

    for done, record in enumerate(request.fields, 1):
        found[record.key] = detect(
            heard,
            read_field(record),
            record.scale,
            request.tile,
            shrink=request.shrink,
            min_score=request.min_score,
            nms_iou=request.nms_iou,
            max_detections=request.max_detections,
            features=request.features,
            anms=request.anms or 0.0,
        )
        if report is not None:
            report(done, len(request.fields))
    out = Path(request.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    detections.save(out, found)
    return found


def detect_fields(request: DetectRequest, report: Callable[[int, int], None] | None = None) -> dict[str, Detections]:
    """Run the .onnx model of `request` on its fields and save what it finds to `out`.

    `report` is called with (fields done, fields) as `detect_all` does. Raises ValueError where the model is no .onnx, a
    field cannot be read or its picture has another size than recorded; nothing is saved then.
    """
    if Path(request.model).suffix.lower() != ".onnx":
        raise ValueError(f"{request.model} is not an .onnx file; other weights are run by the family that made them")
    network = warm(request.model, request.threads)
    if request.anms is None:
        request = replace(request, anms=float(network.card.get("anms") or 0.0))
    return detect_all(network, request, report)


def warm(model: Path | str, threads: int = 0) -> OnnxDetector:
    """The detector in the file `model`, kept in memory for the next one who asks. Raises as OnnxDetector does."""
    file = Path(model)
    if not file.is_file():
        raise FileNotFoundError(f"there is no model file {model}")
    state = file.stat()
    return _kept(file, (state.st_mtime_ns, state.st_size, state.st_ino), threads)


@lru_cache(maxsize=KEPT)
def _kept(file: Path, _state: tuple[int, int, int], threads: int) -> OnnxDetector:
    """A file that is another by now has another `_state`."""
    return OnnxDetector(file, threads)
