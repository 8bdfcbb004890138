"""A trained classifier as one ONNX file, which gives class, Grad-CAM and features without torch."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from models_zoo.classifier import keeping
from models_zoo.classifier.model import CellClassifier

OUTPUTS = ("scores", "evidence", "features")
OPSET = 17


class _Answers(nn.Module):
    def __init__(self, network: CellClassifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps = self.network.maps(x)
        features = maps.mean((2, 3))
        return self.network.head(features).softmax(1), self.network.evidence(maps), features


def export(weights: Path, onnx_file: Path, card: dict[str, object]) -> None:
    """Write the network of `weights` with its own card, which `card` adds to (contract: classifier.runtime)."""
    import onnx

    network, own = keeping.load(weights)
    part = onnx_file.with_name(onnx_file.name + ".part")
    side = int(own["tile"])
    axes = {name: {0: "batch"} for name in ("x", *OUTPUTS)}
    with torch.no_grad(), warnings.catch_warnings():
        # The tracing exporter is the older of two, and says so: it takes a second where the newer takes thirteen.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Answers(network).eval(),
            (torch.zeros(2, 3, side, side),),
            str(part),
            input_names=["x"],
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(part))
    onnx.helper.set_model_props(model, {"card": json.dumps({**own, **card})})
    onnx.save(model, str(part))
    part.replace(onnx_file)
