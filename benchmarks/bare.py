"""Bare ultralytics, for comparison: one training in a process of its own, `python -m benchmarks.bare request.json`.

Everything is ultralytics' default but what the request names, and one optimiser step a batch (`nbs`), without which it
would make an eighth of the steps. `recipe` "stock" leaves it so; "ours" takes the
settings of models_zoo/yolo/settings.py, so that the part of the recipe and that of the preparation can be told apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from benchmarks.frame import ROOT, CannotMeasureError


@dataclass(frozen=True, slots=True)
class BareRequest:
    """`data` is a data.yaml with train, val and test; `threads` 0 means: as ultralytics sets them."""

    data: str
    out: str
    variant: str
    weights: str | None
    imgsz: int
    epochs: int
    batch: int
    seed: int
    threads: int
    recipe: Literal["stock", "ours"] = "stock"


@dataclass(frozen=True, slots=True)
class BareResult:
    """`map50` is ultralytics' own figure on the part test; `threads` what torch used."""

    onnx: str
    table: str
    map50: float
    threads: int
    optimiser: str


def train(request: BareRequest) -> BareResult:
    """Train in a fresh process; raises CannotMeasureError with the end of its log where that fails."""
    out = Path(request.out)
    out.mkdir(parents=True)
    (out / "request.json").write_bytes(msgspec.json.encode(request))
    told = os.environ | {
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(out / "config"),
        "MPLCONFIGDIR": str(out / "config" / "matplotlib"),
    }
    if request.threads:  # our own trainings have this; where ultralytics sets the threads, libgomp keeps its own
        told["GOMP_SPINCOUNT"] = "1000"
    log = out / "train.log"
    with log.open("w") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.bare", str(out / "request.json")],
            cwd=ROOT,
            env=told,
            stdout=stream,
            stderr=stream,
            check=False,
        )
    if done.returncode:
        end = " | ".join(log.read_text(errors="replace").splitlines()[-3:])
        raise CannotMeasureError(f"the training of bare ultralytics failed: {end}")
    return msgspec.json.decode((out / "result.json").read_bytes(), type=BareResult)


def _train_here(request: BareRequest) -> BareResult:
    import torch
    from ultralytics import YOLO
    from ultralytics.utils import SETTINGS

    from models_zoo.yolo import export

    dict.update(SETTINGS, {"sync": False})
    out = Path(request.out)
    model = YOLO(request.weights or f"{request.variant}.yaml")
    used: list[int] = []

    def start(training: Any) -> None:
        if request.threads:
            torch.set_num_threads(request.threads)
        if request.recipe == "ours":
            _norms(training, request)
        used.append(torch.get_num_threads())

    model.add_callback("on_train_start", start)
    model.train(
        data=request.data,
        imgsz=request.imgsz,
        epochs=request.epochs,
        batch=request.batch,
        seed=request.seed,
        device="cpu",
        plots=False,
        project=str(out),
        name="run",
        **_recipe(request),
    )
    run = Path(model.trainer.save_dir)
    best = run / "weights" / "best.pt"
    if request.threads:
        torch.set_num_threads(request.threads)
    own = YOLO(str(best)).val(data=request.data, split="test", imgsz=request.imgsz, plots=False, device="cpu")
    export.export(best, out / "weights.onnx", {"classes": list(own.names.values())})
    return BareResult(
        onnx=str(out / "weights.onnx"),
        table=str(run / "results.csv"),
        map50=float(own.box.map50),
        threads=used[0],
        optimiser=type(model.trainer.optimizer).__name__,
    )


def _recipe(request: BareRequest) -> dict[str, Any]:
    from models_zoo.yolo import settings

    if request.recipe == "stock":
        return {"nbs": request.batch}
    return {
        **settings.schedule(request.epochs),
        **settings.optimiser(request.batch),
        **settings.augmentation(),
        "max_det": settings.MAX_DETECTIONS,
        "patience": 0,
    }


def _norms(training: Any, request: BareRequest) -> None:
    import torch

    from models_zoo.yolo import settings

    momentum = settings.norm_momentum(request.epochs * len(training.train_loader))
    for layer in training.model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = momentum


def main(path: Path) -> int:
    request = msgspec.json.decode(path.read_bytes(), type=BareRequest)
    result = _train_here(request)
    (Path(request.out) / "result.json").write_bytes(msgspec.json.encode(result))
    print(json.dumps(msgspec.to_builtins(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
