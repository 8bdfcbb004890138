"""Looking for cells with weights of this trainer, by torch: single precision on a CPU, half on a card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models_zoo import detections, registry
from models_zoo.detections import Detections
from models_zoo.images import Pixels, read_field, resize
from models_zoo.nms import without_inner
from models_zoo.records import DetectRequest
from models_zoo.shapes import enlarge
from models_zoo.training import keeping
from models_zoo.training.loop import torch_device, torch_threads
from models_zoo.training.network import CellNetwork, Limits

Report = Callable[[int, int], None]


class TorchDetector:
    """The network in a file of weights, ready to look; `card` says what it was trained on, and how.

    Raises ValueError where the file is missing, is none of ours, or was made by a network that is built otherwise now.
    """

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        state = keeping.read(weights)
        if "card" not in state:
            raise ValueError(f"{weights} is a checkpoint; look with weights.pt, which a finished training leaves")
        self.card: dict[str, Any] = state["card"]
        self.device = torch_device(device)
        kind = torch.float16 if self.device.type == "cuda" else torch.float32
        spec = registry.spec(self.card["variant"])
        known = {one.name for one in spec.parameters}
        given = {name: value for name, value in self.card["parameters"].items() if name in known}
        self.looking = {one.name: given.get(one.name, one.default) for one in spec.parameters if one.when == "looking"}
        self.network: CellNetwork = registry.build(self.card["variant"], len(self.card["classes"]), given)
        try:
            self.network.load_state_dict(state["network"])
        except RuntimeError as error:
            raise ValueError(f"the weights {weights} do not fit {self.card['variant']}: {error}") from error
        self.network.eval().settle_looking()
        self.network.to(self.device, kind, memory_format=torch.channels_last)

    def see(self, image: Pixels, scale: float, request: DetectRequest) -> Detections:
        """The cells on `image` (h, w, 3), in its pixels, best first; as runtime.detect."""
        unknown = sorted(set(request.extra) - set(self.looking))
        if unknown:
            have = ", ".join(self.looking) or "none"
            raise ValueError(f"{self.card['variant']} has no parameter {unknown[0]!r} of looking; it has {have}")
        limits = Limits(
            request.min_score,
            request.nms_iou,
            request.max_detections,
            request.features,
            {**self.looking, **request.extra},
        )
        with torch.inference_mode():
            found = self.network.see(resize(image, scale), request.tile, limits)
        anms = float(self.card.get("anms", 0.0)) if request.anms is None else request.anms
        found = without_inner(found, anms, request.nms_iou)
        boxes = enlarge((found.boxes / np.float32(scale)).astype(np.float32), request.shrink)
        return Detections(boxes, found.scores, found.features)


def detect(request: DetectRequest, report: Report | None = None) -> dict[str, Detections]:
    """Run the weights of `request` on its fields and save what it finds to `out`; as runtime.detect_fields."""
    out = Path(request.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    before = torch.get_num_threads()
    torch.set_num_threads(torch_threads(request.threads))
    try:
        detector = TorchDetector(Path(request.model), request.device)
        found: dict[str, Detections] = {}
        for done, record in enumerate(request.fields, 1):
            found[record.key] = detector.see(read_field(record), record.scale, request)
            if report is not None:
                report(done, len(request.fields))
    finally:
        torch.set_num_threads(before)
    detections.save(out, found)
    return found
