"""Training a classifier, from a request to weights, curves and an ONNX file; it can be cancelled and resumed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models_zoo.classifier import crops, export, keeping
from models_zoo.classifier.augment import augmented
from models_zoo.classifier.losses import loss_of, sampled
from models_zoo.classifier.model import build
from models_zoo.classifier.spec import SPEC
from models_zoo.records import FieldRecord, Progress, TrainRequest, TrainResult

Report = Callable[[Progress], None]
WEIGHTS, ONNX, RESUME, CURVES = "weights.pt", "weights.onnx", "resume.pt", "curves.json"
LEAST_SIDE = 32


def train(request: TrainRequest, report: Report | None = None) -> TrainResult:
    """Train on the cells of the request's fields; `tile` is the side of a crop. Leaves weights.pt, weights.onnx and
    curves.json in `out`.

    `report` hears of every epoch when its checkpoint (`out`/resume.pt) is on disk; what it raises ends the training,
    which goes on from there by `resume_from`, on a CPU bit for bit as if it had never stopped. Kept is the epoch with
    the best accuracy on the validation cells (of equal ones the lower loss); with `patience` so many epochs without a
    better one end the training. Without validation fields the last epoch is kept.

    Raises ValueError for a request without cells, labels outside the classes, or a parameter that there is not.
    """
    began = time.monotonic()
    Path(request.out).mkdir(parents=True, exist_ok=True)
    before = torch.get_num_threads()
    threads = request.threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    try:
        session = _Session(request)
        session.run(report or (lambda _: None))
        session.publish()
    finally:
        torch.set_num_threads(before)
    out = Path(request.out)
    return TrainResult(
        weights=str(out / WEIGHTS),
        onnx=str(out / ONNX),
        epochs=len(session.state.curves),
        best_epoch=session.state.best_epoch,
        seconds=time.monotonic() - began,
        weights_from=request.weights_from if request.weights else "scratch",
        threads=threads,
        device=request.device,
        tiles=len(session.training),
        notes=tuple(session.notes),
    )


class Cells:
    """Crops (n, side, side, 3) uint8 and labels (n,), held in memory."""

    def __init__(self, records: tuple[FieldRecord, ...], side: int, margin: float) -> None:
        pairs = list(crops.labelled(records, side, margin))
        self.pixels = np.stack([pixels for pixels, _ in pairs]) if pairs else np.zeros((0, side, side, 3), np.uint8)
        self.labels: NDArray[np.int64] = np.array([label for _, label in pairs], np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, places: NDArray[np.intp], device: torch.device) -> tuple[Tensor, Tensor]:
        shown = torch.from_numpy(self.pixels[places]).to(device).permute(0, 3, 1, 2).float() / 255
        return shown, torch.from_numpy(self.labels[places]).to(device)


@dataclass
class _State:
    """What a checkpoint holds beside network and optimiser: one row of `curves` an epoch, the best so far."""

    curves: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best: tuple[float, float] = (-1.0, 0.0)
    best_network: dict[str, Tensor] = field(default_factory=dict)


class _Session:
    def __init__(self, request: TrainRequest) -> None:
        self.request, self.out, self.notes = request, Path(request.out), list[str]()
        self.values = SPEC.settle(request.parameters)
        _check(request)
        margin = float(self.values["margin"])
        self.training = Cells(request.training, request.tile, margin)
        self.validation = Cells(request.validation, request.tile, margin)
        if not len(self.training):
            raise ValueError("the training fields show no labelled cell; label some before training")
        self.device = keeping.torch_device(request.device)
        torch.manual_seed(request.seed)
        self.network = build(request.variant, len(request.classes), self.values, request.tile).to(self.device)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(),
            float(self.values["learning_rate"]),
            weight_decay=float(self.values["weight_decay"]),
        )
        counts = np.bincount(self.training.labels, minlength=len(request.classes))
        self.loss = loss_of(str(self.values["balance"]), float(self.values["focal_gamma"]), counts, self.device)
        self.state = _State()
        if not len(self.validation):
            self.notes.append("no validation cells: the weights are those of the last epoch")
        if request.weights:
            self._start_from(Path(request.weights))
        if request.resume_from:
            self._resume(Path(request.resume_from))

    def _start_from(self, path: Path) -> None:
        """Take over what fits of other weights: all but the last layer, where the classes differ."""
        given, own = keeping.read(path)["network"], self.network.state_dict()
        fits = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
        self.network.load_state_dict(own | fits)
        self.notes.append(f"{len(fits)} of {len(own)} tensors taken over from the weights given")

    def _resume(self, path: Path) -> None:
        try:
            saved = keeping.read(path)
        except ValueError as error:
            self.notes.append(f"trained anew: {error}")
            return
        if saved["card"] != self._card():
            self.notes.append("trained anew: the checkpoint was made by another request")
            return
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.state = _State(saved["curves"], saved["best_epoch"], tuple(saved["best"]), saved["best_network"])

    def _card(self) -> dict[str, Any]:
        request = self.request
        names = {"kind": "classifier", "variant": request.variant, "classes": list(request.classes)}
        return names | {"tile": request.tile, "shrink": 1.0, "seed": request.seed, "parameters": dict(self.values)}

    def run(self, report: Report) -> None:
        began, first = time.monotonic(), len(self.state.curves)
        for epoch in range(first + 1, self.request.epochs + 1):
            if self._stalled():
                self.notes.append(f"stopped early after epoch {epoch - 1}: no better one in {self.request.patience}")
                break
            row = self._epoch(epoch)
            self._judge(epoch, row)
            self._save()
            seconds = time.monotonic() - began
            left = seconds / (epoch - first) * (self.request.epochs - epoch)
            report(Progress(epoch, self.request.epochs, row, seconds, left))

    def _stalled(self) -> bool:
        patience = self.request.patience if len(self.validation) else 0
        return bool(patience) and len(self.state.curves) - self.state.best_epoch >= patience

    def _epoch(self, epoch: int) -> dict[str, float]:
        """One pass over the training cells; all its draws depend on seed and epoch alone."""
        seed = self.request.seed * 10_007 + epoch
        torch.manual_seed(seed)
        chance = torch.Generator().manual_seed(seed)
        order = sampled(self.training.labels, str(self.values["balance"]), np.random.default_rng(seed))
        self.network.train()
        total, right = 0.0, 0
        for places in _batches(order, self.request.batch):
            shown, labels = self.training.batch(places, self.device)
            if self.values["augment"]:
                shown = augmented(shown, chance)
            logits = self.network(shown)
            loss = self.loss(logits, labels)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            total += float(loss.detach()) * len(places)
            right += int((logits.argmax(1) == labels).sum())
        return {"loss": total / len(order), "accuracy": right / len(order)} | self._validate()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        if not len(self.validation):
            return {}
        self.network.eval()
        total, right = 0.0, 0
        for start in range(0, len(self.validation), self.request.batch):
            places = np.arange(start, min(start + self.request.batch, len(self.validation)))
            shown, labels = self.validation.batch(places, self.device)
            logits = self.network(shown)
            total += float(functional.cross_entropy(logits, labels, reduction="sum"))
            right += int((logits.argmax(1) == labels).sum())
        return {"val_loss": total / len(self.validation), "val_accuracy": right / len(self.validation)}

    def _judge(self, epoch: int, row: dict[str, float]) -> None:
        self.state.curves.append(row)
        worth = (row["val_accuracy"], -row["val_loss"]) if "val_loss" in row else (float(epoch), 0.0)
        if worth > tuple(self.state.best):
            self.state.best, self.state.best_epoch = worth, epoch
            self.state.best_network = {k: v.detach().cpu().clone() for k, v in self.network.state_dict().items()}

    def _save(self) -> None:
        state = self.state
        content = {"curves": state.curves, "best_epoch": state.best_epoch, "best": list(state.best)}
        content |= {"card": self._card(), "network": self.network.state_dict(), "best_network": state.best_network}
        keeping.write(content | {"optimiser": self.optimiser.state_dict()}, self.out / RESUME)

    def publish(self) -> None:
        if not self.state.best_network:
            raise ValueError("no epoch was trained: ask for at least one")
        keeping.write({"card": self._card(), "network": self.state.best_network}, self.out / WEIGHTS)
        curves = {"best_epoch": self.state.best_epoch, "epochs": self.state.curves}
        (self.out / CURVES).write_text(json.dumps(curves, indent=1), encoding="utf-8")
        export.export(self.out / WEIGHTS, self.out / ONNX, {})
        (self.out / RESUME).unlink(missing_ok=True)


def _batches(order: NDArray[np.intp], size: int) -> list[NDArray[np.intp]]:
    """Batches of `size`; a last one of a single cell joins the one before, for batch norms need two."""
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return parts


def _check(request: TrainRequest) -> None:
    if request.tile < LEAST_SIDE or request.tile % 32:
        raise ValueError(f"the side of a crop must be a multiple of 32, at least {LEAST_SIDE}, not {request.tile}")
    if len(request.classes) < 1 or request.batch < 2:
        raise ValueError("a classifier needs at least one class and batches of at least two cells")
    for record in (*request.training, *request.validation):
        for target in record.targets:
            if not -1 <= target.label < len(request.classes):
                raise ValueError(f"field {record.key}: label {target.label} is none of {len(request.classes)} classes")
