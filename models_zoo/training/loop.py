"""One training, from a request to weights; it can be cancelled, killed and resumed at any moment."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_zoo import registry
from models_zoo.records import Progress, TrainRequest, TrainResult
from models_zoo.training import keeping
from models_zoo.training.keeping import Start
from models_zoo.training.network import CellNetwork, to_input
from models_zoo.training.pictures import Sample, prepare
from models_zoo.training.recipe import Schedule
from models_zoo.training.validating import Worth, validate

Report = Callable[[Progress], None]
WEIGHTS = "weights.pt"


def train(request: TrainRequest, report: Report | None = None) -> TrainResult:
    """Train as `request` says and leave weights.pt and train.log in its `out`.

    `report` is called once after each epoch, when the checkpoint of that epoch (`out`/resume.pt) is on disk. If it
    raises, `records.Cancelled` or anything else, the training ends and that checkpoint can be resumed by naming it in
    `resume_from`, up to the same number of epochs: on a CPU the weights are then, bit for bit, those of an unbroken
    training. Kept are the weights of the epoch with the best AP50 on the validation fields (the lower loss where that
    is equal), or the last ones without validation fields.

    Raises ValueError for a request that cannot be trained (see pictures.prepare, Spec.settle).
    """
    began = time.monotonic()
    out = Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    with _machine(request):
        session = _Session(request, report or (lambda _: None), out)
        session.run()
    best_epoch = session.publish()
    shutil.rmtree(out / "pictures", ignore_errors=True)
    for name in (keeping.RESUME, keeping.BEST):
        (out / name).unlink(missing_ok=True)
    return TrainResult(
        weights=str(out / WEIGHTS),
        onnx="",
        epochs=session.epochs,
        best_epoch=best_epoch,
        seconds=time.monotonic() - began,
        weights_from=request.weights_from if request.weights else "scratch",
        threads=torch_threads(request.threads),
        device=request.device,
        tiles=len(session.training),
        notes=tuple(session.notes),
    )


def torch_threads(asked: int) -> int:
    return asked or os.cpu_count() or 1


def torch_device(name: str) -> torch.device:
    """`cpu`, or the number of a card as text."""
    return torch.device(f"cuda:{name}" if name.isdigit() else name)


@contextmanager
def _machine(request: TrainRequest) -> Iterator[None]:
    """Threads as asked, and convolutions that give the same sum each time; put back afterwards."""
    before = torch.get_num_threads()
    cudnn: Any = torch.backends.cudnn
    kept = (cudnn.deterministic, cudnn.benchmark)
    torch.set_num_threads(torch_threads(request.threads))
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.set_num_threads(before)
        cudnn.deterministic, cudnn.benchmark = kept


@dataclass
class _Means:
    """Mean losses of an epoch, kept on the device until somebody asks, so that a card need not wait."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0

    def add(self, losses: dict[str, Tensor]) -> None:
        self.steps += 1
        for name, value in losses.items():
            value = value.detach().float()
            self.sums[name] = self.sums[name] + value if name in self.sums else value

    def read(self) -> dict[str, float]:
        return {name: float(value) / max(1, self.steps) for name, value in self.sums.items()}


class _Session:
    """The state of one call of `train`."""

    def __init__(self, request: TrainRequest, report: Report, out: Path) -> None:
        self.request, self.report, self.out = request, report, out
        self.parameters = registry.spec(request.variant).settle(request.parameters)
        self.training = prepare(request, request.training, out / "pictures" / "training")
        self.validation = prepare(request, request.validation, out / "pictures" / "validation")
        if not sum(len(one.labels) for one in self.training.fields):
            raise ValueError("the training fields show no labelled cell; label some before training")
        self.device = torch_device(request.device)
        start = keeping.find_start(request, self.parameters)
        self.notes = [start.note] if start.note else []
        self.epochs = start.epochs
        self.best: tuple[Worth, int] | None = None
        self.since_best = 0
        torch.manual_seed(request.seed)
        self.network = self._network()
        self.optimiser = _optimiser(self.network, self.parameters)
        self.schedule = Schedule.of(self.parameters, request.epochs, self.training.steps(request.batch))
        self.network.settle_steps(request.epochs * self.schedule.steps_per_epoch)
        self.precision = _Precision(self.device)
        if start.state is not None:
            self._continue(start)
        elif request.teacher:
            self.notes.append("feature distillation is not for this family: it learns from labels alone")
        if not request.validation:
            self.notes.append("no validation fields: the weights are those of the last epoch")

    def _network(self) -> CellNetwork:
        request = self.request
        given = {name: self.parameters[name] for name in self.parameters}
        network: CellNetwork = registry.build(request.variant, len(request.classes), given)
        network.learn_from(self.training)
        if request.weights is not None:
            self.notes.extend(keeping.take_over(network, Path(request.weights)))
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def _continue(self, start: Start) -> None:
        state = start.state or {}
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.precision.scaler.load_state_dict(state["scaler"])
        if state["best"] is not None:
            ap50, minus_loss, epoch = state["best"]
            self.best = Worth(ap50, minus_loss), int(epoch)
            self.since_best = self.epochs - int(epoch)
        beside = Path(self.request.resume_from or "").with_name(keeping.BEST)
        if beside.is_file():
            if beside.resolve() != (self.out / keeping.BEST).resolve():
                keeping.write(keeping.read(beside), self.out / keeping.BEST)
            return
        self.notes.append("the best weights before the break are gone: the newest stand in for them")
        self._keep_best()

    def run(self) -> None:
        request, began = self.request, time.monotonic()
        first, last = self.epochs, time.monotonic()
        while self.epochs < request.epochs and not self._out_of_patience():
            means = self._epoch(self.epochs)
            losses = means.read()
            self.epochs += 1
            self._judge(losses)
            self._keep()
            now = time.monotonic()
            pace = 0.5 * (now - last) + 0.5 * (now - began) / (self.epochs - first)
            last = now
            left = pace * (request.epochs - self.epochs)
            self._log(losses)
            self.report(Progress(self.epochs, request.epochs, losses, now - began, left))

    def _out_of_patience(self) -> bool:
        return bool(self.request.patience and self.request.validation and self.since_best >= self.request.patience)

    def _epoch(self, number: int) -> _Means:
        """Everything random in an epoch comes from seed and number, so that a resumed one is the same one."""
        request = self.request
        torch.manual_seed(request.seed * 100_003 + number + 1)
        self.network.train()
        means = _Means()
        augmentation = str(self.parameters["augmentation"])
        threads = min(8, torch_threads(request.threads))
        batches = self.training.epoch(number, request.seed, request.batch, augmentation, threads)
        for step, samples in enumerate(batches):
            factor = self.schedule.factor(number * self.schedule.steps_per_epoch + step)
            means.add(self.step(samples, float(self.parameters["learning_rate"]) * factor))
        return means

    def step(self, samples: Sequence[Sample], rate: float) -> dict[str, Tensor]:
        """One step of the optimiser; raises ValueError where the loss is no number any more."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        like = torch.zeros((), device=self.device)
        pictures = to_input(np.stack([one.pixels for one in samples]), like)
        with self.precision.autocast():
            losses = self.network.losses(pictures, [one.targets for one in samples])
        total = torch.stack([value.float() for value in losses.values()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        self.precision.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        clip = float(self.parameters["clip_norm"])
        if clip:
            self.precision.scaler.unscale_(self.optimiser)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), clip)
        self.precision.scaler.step(self.optimiser)
        self.precision.scaler.update()
        return losses

    def _judge(self, losses: dict[str, float]) -> None:
        if not np.isfinite(sum(losses.values())):
            raise ValueError(
                f"the loss is no number any more after epoch {self.epochs}: lower the learning rate "
                f"({self.parameters['learning_rate']})"
            )
        if not len(self.validation):
            self.best = Worth(0.0, 0.0), self.epochs
            return self._keep_best()
        worth, measured = validate(self.network, self.validation, self.request.batch)
        losses.update(measured)
        self.since_best += 1
        if self.best is None or worth > self.best[0]:
            self.best, self.since_best = (worth, self.epochs), 0
            self._keep_best()

    def _keep(self) -> None:
        best = None if self.best is None else [self.best[0].ap50, self.best[0].minus_loss, self.best[1]]
        state = {
            "identity": keeping.identity(self.request, self.parameters),
            "epoch": self.epochs,
            "best": best,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.precision.scaler.state_dict(),
        }
        keeping.write(state, self.out / keeping.RESUME)

    def _keep_best(self) -> None:
        keeping.write({"epoch": self.epochs, "network": self.network.state_dict()}, self.out / keeping.BEST)

    def _log(self, losses: dict[str, float]) -> None:
        words = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
        with (self.out / "train.log").open("a", encoding="utf-8") as file:
            file.write(f"epoch {self.epochs} of {self.request.epochs}  {words}\n")

    def publish(self) -> int:
        """Write the best weights with all that must be known to look with them; returns their epoch, from 1."""
        state = keeping.read(self.out / keeping.BEST)
        card = {
            "variant": self.request.variant,
            "classes": list(self.request.classes),
            "tile": self.request.tile,
            "shrink": self.request.shrink,
            "anms": self.request.anms,
            "parameters": dict(self.parameters),
            "epoch": int(state["epoch"]),
        }
        keeping.write({"card": card, "network": state["network"]}, self.out / WEIGHTS)
        return int(state["epoch"])


class _Precision:
    """On a card bfloat16 where it has it, else half precision with a scaled loss; single precision on a CPU."""

    def __init__(self, device: torch.device) -> None:
        self.kind, self.on = device.type, device.type == "cuda"
        self.type = torch.bfloat16 if self.on and torch.cuda.is_bf16_supported() else torch.float16
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.on and self.type is torch.float16)

    def autocast(self) -> Any:
        return torch.autocast(self.kind, self.type if self.on else torch.bfloat16, enabled=self.on)


def _optimiser(network: CellNetwork, parameters: dict[str, Any]) -> torch.optim.Optimizer:
    """Weight decay is for kernels alone: biases and the scales of norms keep their size."""
    kernels = [one for one in network.parameters() if one.requires_grad and one.ndim > 1]
    others = [one for one in network.parameters() if one.requires_grad and one.ndim <= 1]
    groups = [
        {"params": kernels, "weight_decay": float(parameters["weight_decay"])},
        {"params": others, "weight_decay": 0.0},
    ]
    rate, momentum = float(parameters["learning_rate"]), float(parameters["momentum"])
    if parameters["optimiser"] == "sgd":
        return torch.optim.SGD(groups, rate, momentum=momentum)
    kind = torch.optim.Adam if parameters["optimiser"] == "adam" else torch.optim.AdamW
    return kind(groups, rate, betas=(momentum, 0.999))
