"""What a family of models tells the zoo about itself, without importing the library it is built on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings of a training: `tile` in working pixels."""

    variant: str
    tile: int
    epochs: int
    batch: int


@dataclass(frozen=True, slots=True)
class Spec:
    """One family of detectors.

    The entry points are "package.module:function", imported when first called:

    - `train(request: TrainRequest, report: Callable[[Progress], None] | None) -> TrainResult`
    - `detect(request: DetectRequest, report: Callable[[int, int], None] | None) -> dict[str, Detections]`
    - `export(weights: Path, onnx_file: Path, card: dict[str, object]) -> None`: see models_zoo/runtime.py

    `variants` go from small to large within one generation. `tile` is the side that suits cells of 40 working
    pixels. `tiny` trains within seconds on a CPU: for demonstrations and tests.
    """

    family: str
    variants: tuple[str, ...]
    train: str
    detect: str
    export: str
    licence: str
    paper: str
    tile: int
    tiny: Preset
