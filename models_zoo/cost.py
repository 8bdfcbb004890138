"""How many parameters a model's files hold."""

from __future__ import annotations

import math
from pathlib import Path


def parameters_in(files: Path) -> int | None:
    """Weights and biases of weights.onnx, else of weights.pt with its running means. None where neither can be read.

    Called where a model is trained, in a process that has torch and onnx loaded already.
    """
    if (files / "weights.onnx").is_file():
        import onnx

        try:
            graph = onnx.load(str(files / "weights.onnx")).graph
        except Exception:  # whatever is wrong with the file, a cost that cannot be told is no reason to lose a training
            return None
        return sum(int(math.prod(tensor.dims)) for tensor in graph.initializer)
    import torch

    try:
        state = torch.load(files / "weights.pt", map_location="cpu", weights_only=True)
        return sum(int(value.numel()) for value in state["network"].values())
    except Exception:  # as above
        return None
