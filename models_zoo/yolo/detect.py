"""Looking for cells with a .pt file, on a GPU or where no ONNX file is at hand.

On a CPU pass the .onnx file that lies beside the .pt file instead: models_zoo.runtime runs it about three times
faster and without torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from models_zoo import runtime
from models_zoo.detections import Detections, Floats
from models_zoo.records import DetectRequest
from models_zoo.runtime import RawOutputs
from models_zoo.yolo import environment

Report = Callable[[int, int], None]


class TorchDetector:
    """The network of a .pt file as the runtime wants it: single precision on a CPU, half on a GPU.

    Raises ValueError where the file is missing or holds no network. A .pt file is code: load only what you trust.
    """

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        import torch

        from models_zoo.yolo.checkpoints import UNREADABLE
        from models_zoo.yolo.export import load
        from models_zoo.yolo.joining import join_norms

        self._device = torch.device(f"cuda:{device}" if device.isdigit() else device)
        self._kind = torch.float32 if self._device.type == "cpu" else torch.float16
        try:
            self._network = load(weights)
        except UNREADABLE as error:
            raise ValueError(f"the weights {weights} cannot be read: {error}") from error
        join_norms(self._network)
        self._network.to(self._device, self._kind)

    def __call__(self, batch: Floats) -> RawOutputs:
        import torch

        with torch.inference_mode():
            found = self._network(torch.from_numpy(batch).to(self._device, self._kind))
        boxes, scores, points, *maps = (np.asarray(part.float().cpu().numpy(), np.float32) for part in found)
        return RawOutputs(boxes, scores, points, tuple(maps))


def detect(request: DetectRequest, report: Report | None = None) -> dict[str, Detections]:
    """Run the .pt model of `request` on its fields and save what it finds to `out`; as runtime.detect_fields."""
    out = Path(request.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    environment.prepare(out.parent / "environment")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(request.threads or os.cpu_count() or 1)
    try:
        with environment.output_to(out.with_suffix(".log")):
            network = TorchDetector(Path(request.model), request.device)
        return runtime.detect_all(network, request, report)
    finally:
        torch.set_num_threads(before)
