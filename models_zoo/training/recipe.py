"""The parameters that all families of this trainer share, and what is made of them. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from models_zoo.spec import Parameter, Value

COMMON = (
    Parameter("optimiser", "adamw", "how weights are moved", choices=("sgd", "adam", "adamw")),
    Parameter("learning_rate", 0.001, "at the end of the warm-up", low=1e-4, high=1e-2, log=True),
    Parameter("weight_decay", 0.0005, "pull of the weights towards zero", low=1e-5, high=1e-2, log=True),
    Parameter("momentum", 0.9, "of sgd; the first beta of adam", low=0.8, high=0.98),
    Parameter("schedule", "cosine", "of the learning rate", choices=("cosine", "step", "constant")),
    Parameter("step_epochs", 4, "epochs between the falls of schedule step"),
    Parameter("step_factor", 0.3, "by which it falls then"),
    Parameter("warm_up", 0.1, "share of the steps in which the rate rises from zero"),
    Parameter("clip_norm", 10.0, "the gradient's norm is cut at this; 0: never"),
    Parameter("augmentation", "graebel", "graebel: crop, turning by any angle, mirroring, slight blur; liu: mirroring, "
              "turning, shift, noise; none", choices=("graebel", "liu", "none")),
)  # fmt: skip


def common(**defaults: Value) -> tuple[Parameter, ...]:
    """COMMON with other defaults for those that are named."""
    return tuple(replace(one, default=defaults.get(one.name, one.default)) for one in COMMON)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate as a factor of the parameter, for every step of a training."""

    kind: str
    epochs: int
    steps_per_epoch: int
    warm_up: float
    step_epochs: int
    step_factor: float

    @classmethod
    def of(cls, values: Mapping[str, Value], epochs: int, steps_per_epoch: int) -> Schedule:
        return cls(
            str(values["schedule"]),
            epochs,
            steps_per_epoch,
            float(values["warm_up"]),
            int(values["step_epochs"]),
            float(values["step_factor"]),
        )

    def factor(self, step: int) -> float:
        """For step number `step` from 0; the end of the cosine is a hundredth, so that the last epochs are calm."""
        total = max(1, self.epochs * self.steps_per_epoch)
        warm = self.warm_up * total
        rise = min(1.0, (step + 1) / warm) if warm >= 1 else 1.0
        if self.kind == "constant":
            return rise
        if self.kind == "step":
            return rise * self.step_factor ** (step // self.steps_per_epoch // max(1, self.step_epochs))
        return rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / total)))
