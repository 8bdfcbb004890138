"""One training, from a request to weights and an ONNX file; it can be cancelled, killed and resumed at any moment."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models_zoo.epochs import note_epoch
from models_zoo.records import Progress, TrainRequest, TrainResult
from models_zoo.yolo import checkpoints, environment, settings
from models_zoo.yolo.checkpoints import Start
from models_zoo.yolo.spec import SPEC

Report = Callable[[Progress], None]


def train(request: TrainRequest, report: Report | None = None) -> TrainResult:
    """Train as `request` says and leave weights.pt, weights.onnx and train.log in its `out`.

    `report` is called once after each epoch, when the checkpoint of that epoch (`out`/resume.pt) is on disk. If it
    raises, `records.Cancelled` or anything else, the training ends and that checkpoint can be resumed by naming it
    in `resume_from`, up to the same number of epochs. A resumed training is not bit-equal to an unbroken one.
    Weights are the best by ultralytics' fitness on the validation tiles, or the last without validation fields.

    Raises ValueError for a request that cannot be trained (see prepare.write_dataset).
    """
    out = Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    environment.prepare(out / "environment")
    outside = sys.stdout

    def heard(progress: Progress) -> None:
        if report is not None:
            with contextlib.redirect_stdout(outside):  # what a caller prints is his, not the log's
                report(progress)

    with environment.output_to(out / "train.log"):
        return _train(request, heard, out)


def _train(request: TrainRequest, report: Report, out: Path) -> TrainResult:
    from models_zoo.yolo import export, prepare

    SPEC.settle(request.parameters)
    began = time.monotonic()
    data = prepare.write_dataset(request, out / "tiles")
    start = checkpoints.find_start(request)
    session = _Session(request, report, out, start)
    if start.epochs < request.epochs:
        session.run(data)
    else:
        session.adopt_best()
    best = out / checkpoints.BEST
    best_epoch = checkpoints.write_weights(best, out / "weights.pt")
    card = {"classes": request.classes, "tile": request.tile, "shrink": request.shrink, "variant": request.variant}
    card |= {"anms": request.anms} if request.anms else {}
    export.export(out / "weights.pt", out / "weights.onnx", card)
    _tidy(out)
    return TrainResult(
        weights=str(out / "weights.pt"),
        onnx=str(out / "weights.onnx"),
        epochs=session.epochs,
        best_epoch=best_epoch,
        seconds=time.monotonic() - began,
        weights_from=request.weights_from if request.weights else "scratch",
        threads=session.threads,
        device=request.device,
        tiles=data.training,
        notes=(*session.notes, *session.memory_note),
    )


def _tidy(out: Path) -> None:
    """Tiles and checkpoints can be made again from the request; weights, log and ultralytics' table stay."""
    for name in (checkpoints.RESUME, checkpoints.BEST):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / "tiles", ignore_errors=True)
    shutil.rmtree(out / "run" / "weights", ignore_errors=True)


class _Session:
    """The state of one call of `train`: what the callbacks of ultralytics need to know between epochs."""

    def __init__(self, request: TrainRequest, report: Report, out: Path, start: Start) -> None:
        self.request, self.report, self.out, self.start = request, report, out, start
        self.threads = request.threads or os.cpu_count() or 1
        self.epochs = start.epochs
        self.notes = [start.note] if start.note else []
        self._began = self._last = time.monotonic()
        self._batch = 0
        self.memory_note: list[str] = []

    def run(self, data: Any) -> None:
        import torch
        from ultralytics.utils.torch_utils import unset_deterministic

        from models_zoo.yolo.trainer import CellTraining

        if self.start.checkpoint is not None:
            self.adopt_best()
        if not self.request.validation:
            self.notes.append("no validation fields: the weights are those of the last epoch")
        before = torch.get_num_threads()
        training = None
        try:
            training = CellTraining(self.arguments(data), data, validates=bool(self.request.validation))
            training.add_callback("on_train_start", self._on_start)
            training.add_callback("on_model_save", self._on_save)
            training.train()
        finally:
            if training is not None:
                training.close()
            unset_deterministic()
            torch.set_num_threads(before)

    def arguments(self, data: Any) -> dict[str, Any]:
        """The arguments of the trainer: all of them, or on resuming those few that may differ."""
        request = self.request
        common = {
            "data": str(data.yaml),
            "save_dir": str((self.out / "run").resolve()),
            "device": _device(request.device),
            "workers": 0 if request.device == "cpu" else min(settings.GPU_WORKERS, self.threads),
            "val": bool(request.validation),
            "patience": request.patience if request.validation else 0,
            "plots": False,
            "distill_model": request.teacher,
        }
        if self.start.checkpoint is not None:
            path = str(self.start.checkpoint.resolve())
            # A batch that was too large for the card may be smaller now; the nominal one stays, so steps add up to it.
            return {**common, "resume": path, "model": path, "batch": min(request.batch, data.training)}
        return {**common, **self._fresh_arguments(min(request.batch, data.training), data.training)}

    def _fresh_arguments(self, batch: int, tiles: int) -> dict[str, Any]:
        request = self.request
        if batch < request.batch:
            self.notes.append(f"batch lowered from {request.batch} to {batch}, the number of tiles")
        return {
            **self._model(),
            **settings.schedule(request.epochs),
            **settings.optimiser(batch),
            **settings.augmentation(),
            "epochs": request.epochs,
            "batch": batch,
            "imgsz": request.tile,
            "seed": request.seed,
            "deterministic": True,
            "amp": _precision(request.device),
            "max_det": settings.MAX_DETECTIONS,
            "dis": settings.distil_weight(request.distil_weight, request.epochs * math.ceil(tiles / batch)),
            "exist_ok": True,
        }

    def _model(self) -> dict[str, Any]:
        """Which network to build: weights of the same variant bring their own shape, others only what fits."""
        request = self.request
        plain = f"{request.variant}.yaml"
        checkpoints.architecture(request.variant)
        if request.weights is None:
            return {"model": plain, "pretrained": False}
        path = Path(request.weights).resolve()
        weights = checkpoints.look_at(path, request)
        self.notes.extend(weights.notes)
        return {"model": str(path)} if weights.same else {"model": plain, "pretrained": str(path)}

    def adopt_best(self) -> None:
        """Take over the best weights so far, which lie beside the checkpoint that is resumed."""
        checkpoint = self.start.checkpoint
        if checkpoint is None:
            return
        beside = checkpoint.with_name(checkpoints.BEST)
        source = beside if beside.is_file() else checkpoint
        if source is checkpoint and self.request.validation:
            self.notes.append("the best weights before the break are gone: the newest stand in for them")
        if source.resolve() != (self.out / checkpoints.BEST).resolve():
            checkpoints.keep(source, self.out / checkpoints.BEST)

    def _on_start(self, training: Any) -> None:
        import torch

        momentum = settings.norm_momentum(self.request.epochs * len(training.train_loader))
        network = getattr(training.model, "student_model", training.model)
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = momentum
        # ultralytics leaves one core free, which on two cores costs 45 % more time.
        torch.set_num_threads(self.threads)
        self._batch = int(training.batch_size)
        self._began = self._last = time.monotonic()

    def _on_save(self, training: Any) -> None:
        """After every epoch: secure the checkpoint first, then tell; a cancelled training can then go on from it."""
        self.epochs = training.epoch + 1
        self._hear_of_batch(training)
        progress = self._progress(training)
        note_epoch(self.out, progress)
        if training.fitness == training.best_fitness:
            checkpoints.keep(training.best, self.out / checkpoints.BEST)
        checkpoints.keep(training.last, self.out / checkpoints.RESUME)
        self.report(progress)

    def _progress(self, training: Any) -> Progress:
        now = time.monotonic()
        done = self.epochs - self.start.epochs
        # The last epoch says more than the mean: mosaic stops near the end, the first epoch warms up.
        pace = 0.5 * (now - self._last) + 0.5 * (now - self._began) / done
        self._last = now
        return Progress(
            epoch=self.epochs,
            epochs=self.request.epochs,
            losses=_losses(training, bool(self.request.validation)),
            seconds=now - self._began,
            seconds_left=pace * (self.request.epochs - self.epochs),
            notes=tuple(self.memory_note),
        )

    def _hear_of_batch(self, training: Any) -> None:
        """In its first epoch ultralytics itself makes the batch smaller where the card's memory is too small."""
        if self._batch and training.batch_size < self._batch:
            self.memory_note = [
                f"the card's memory was too small for {self._batch} tiles in a step: it went on with "
                f"{training.batch_size}"
            ]


def _losses(training: Any, validates: bool) -> dict[str, float]:
    """Mean losses of the epoch by ultralytics' names; those on the validation tiles with `val_` before them."""
    losses = {name: float(value) for name, value in training.tloss.items()}
    if validates:
        losses |= {f"val_{name}": float(training.metrics.get(f"val/{name}", 0.0)) for name in training.tloss}
    return losses


def _device(name: str) -> str:
    return "0" if name == "cuda" else name.removeprefix("cuda:")


def _precision(device: str) -> str | bool:
    """bfloat16 where the GPU has it: half precision would make ultralytics fetch a model to test it with."""
    if device == "cpu":
        return False
    import torch

    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else False
