"""The family's door to `export`: what must stand before ultralytics is imported stands."""

from __future__ import annotations

from pathlib import Path

from models_zoo.yolo import environment


def export(weights: Path, onnx_file: Path, card: dict[str, object]) -> None:
    """Write the network of `weights` (a .pt file) to `onnx_file`, whole or not at all; see models_zoo.yolo.export."""
    onnx_file.parent.mkdir(parents=True, exist_ok=True)
    environment.prepare(onnx_file.parent / "environment")
    with environment.output_to(onnx_file.with_suffix(".log")):
        from models_zoo.yolo.export import export as write

        write(weights, onnx_file, card)
