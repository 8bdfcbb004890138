"""A trained network as one ONNX file that answers with everything ranking and evaluation need.

ultralytics' own export keeps the top class of each box; ours keeps the scores of all classes for every anchor and
the three feature maps, and leaves suppression to the caller.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.tasks import load_checkpoint
from ultralytics.utils.tal import dist2bbox, make_anchors

OUTPUTS = ("boxes", "scores", "points", "p3", "p4", "p5")
OPSET = 17
STRIDE = 32


class Raw(nn.Module):
    """The one-to-many head of an unfused YOLO detector (YOLO26, or YOLO11 with its only head), undecided.

    Input (b, 3, h, w), RGB in 0..1, h and w multiples of 32. Output: boxes (b, a, 4) as x0, y0, x1, y1 in input
    pixels, scores (b, a, classes) in 0..1, points (a, 2) the anchors' centres in input pixels, and the three maps
    (b, channels, h / s, w / s) for s of 8, 16, 32.

    Batch norms stay apart from their convolutions: fusing would remove one of YOLO26's two heads.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        layers: Any = model.model
        self.layers = layers[:-1]
        self.head = layers[-1]
        if self.head.cv2 is None:
            raise ValueError("this model was fused, which removed the head that is needed: use the weights as trained")
        self.kept = frozenset(model.save)  # type: ignore[arg-type]  # nn.Module types every attribute as a tensor
        self.eval()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        levels = self._levels(x)
        found = self.head.forward_head(levels, **self.head.one2many)
        points, strides = make_anchors(levels, self.head.stride, 0.5)
        # Decoded in single precision: in half precision a coordinate above 1024 would be rounded to whole pixels.
        points, strides, sides = points.float(), strides.float(), self.head.dfl(found["boxes"]).float()
        boxes = dist2bbox(sides, points.T[None], xywh=False, dim=1) * strides.T
        return boxes.transpose(1, 2), found["scores"].sigmoid().transpose(1, 2), points * strides, *levels

    def _levels(self, x: Tensor) -> list[Tensor]:
        """What the head is fed with: `BaseModel._predict_once` without its head."""
        outputs: list[Tensor | None] = []
        value: Any = x
        for layer in self.layers:
            if layer.f != -1:
                value = outputs[layer.f] if isinstance(layer.f, int) else [_at(outputs, value, j) for j in layer.f]
            value = layer(value)
            outputs.append(value if layer.i in self.kept else None)
        return [_at(outputs, value, j) for j in self.head.f]


def _at(outputs: list[Tensor | None], last: Tensor, index: int) -> Tensor:
    found = last if index == -1 else outputs[index]
    if found is None:
        raise ValueError(f"layer {index} of this architecture is needed later but was not kept")
    return found


def load(weights: Path) -> Raw:
    """The network in a .pt file, float32, on the CPU. The file is code as much as data: load only what you trust."""
    model, _ = load_checkpoint(str(weights))
    return Raw(model.float())


def export(weights: Path, onnx_file: Path, card: dict[str, object]) -> None:
    """Write the network of `weights` (a .pt file) to `onnx_file`: see `write`."""
    write(load(weights), onnx_file, card)


def write(raw: Raw, onnx_file: Path, card: dict[str, object]) -> None:
    """Write `raw` to `onnx_file`, whole or not at all, with `card` as JSON in its metadata.

    The batch and both sides of the picture are free (sides in multiples of 32). torch's tracing exporter is used:
    it takes a second where the newer one takes thirteen, for the same figures.
    """
    import onnx

    part = onnx_file.with_name(onnx_file.name + ".part")
    axes = {"x": {0: "batch", 2: "height", 3: "width"}, "points": {0: "anchors"}}
    axes |= {name: {0: "batch", 1: "anchors"} for name in ("boxes", "scores")}
    axes |= {name: {0: "batch", 2: f"{name}_height", 3: f"{name}_width"} for name in ("p3", "p4", "p5")}
    with torch.no_grad():
        torch.onnx.export(
            raw,
            (torch.zeros(2, 3, 2 * STRIDE, 3 * STRIDE),),
            str(part),
            input_names=["x"],
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(part))
    onnx.helper.set_model_props(model, {"card": json.dumps(card)})
    onnx.save(model, str(part))
    part.replace(onnx_file)
