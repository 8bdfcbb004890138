"""Naming cells with a .pt file: the boxes are given, the classes are the answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from models_zoo import detections
from models_zoo.classifier import keeping
from models_zoo.classifier.model import CellClassifier
from models_zoo.classifier.naming import Named, name_cells
from models_zoo.detections import Detections, Floats
from models_zoo.images import Pixels
from models_zoo.records import DetectRequest


class TorchClassifier:
    """The network of a .pt file: single precision on a CPU, half (with channels last) on a card."""

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        self.network, self.card = keeping.load(weights, device)
        self.device = keeping.torch_device(device)
        kind = torch.float16 if self.device.type == "cuda" else torch.float32
        self.network.to(dtype=kind, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, crops: list[Pixels]) -> Named:
        return named(self.network, crops)


def named(network: CellClassifier, crops: list[Pixels]) -> Named:
    """What `network` says of all `crops` (side, side, 3) in one look, on its own device and in its own precision."""
    own = network.head.weight
    batch = torch.from_numpy(np.stack(crops)).to(own.device).permute(0, 3, 1, 2).to(own.dtype) / 255
    with torch.inference_mode():
        features = network.maps(batch).mean((2, 3))
        scores = network.head(features).float().softmax(1)
    return Named(_numpy(scores), _numpy(features.float()))


def _numpy(values: torch.Tensor) -> Floats:
    return np.asarray(values.cpu().numpy(), np.float32)


def detect(request: DetectRequest, report: Callable[[int, int], None] | None = None) -> dict[str, Detections]:
    """Name every target of the request's fields (a field without any is a picture of one cell), in their order.

    The answer's boxes are those of the targets, its scores add up to 1. Saved to the request's `out`.
    """
    before = torch.get_num_threads()
    if request.threads:
        torch.set_num_threads(request.threads)
    try:
        classifier = TorchClassifier(Path(request.model), request.device)
        found = name_cells(classifier, classifier.card, request, report)
    finally:
        torch.set_num_threads(before)
    out = Path(request.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    detections.save(out, found)
    return found
