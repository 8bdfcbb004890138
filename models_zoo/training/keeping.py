"""Checkpoints and weights of this trainer: written whole or not at all, looked at before they are trusted.

All files are read with torch's `weights_only`, so that a file of somebody else can run no code. A checkpoint is a dict
of `identity` (what must be the same for a training to go on from it), `epoch`, `best`, `network` and `optimiser`; a
file of weights a dict of `card` and `network`.
"""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models_zoo.records import TrainRequest

RESUME = "resume.pt"
BEST = "best.pt"
UNREADABLE = (OSError, EOFError, RuntimeError, TypeError, ValueError, KeyError, pickle.UnpicklingError)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a training begins: from `state` with `epochs` behind it, or anew (None, 0) with the reason in `note`."""

    state: dict[str, Any] | None
    epochs: int
    note: str = ""


def write(state: dict[str, Any], target: Path) -> None:
    """A kill at any moment leaves either the old file or the new one."""
    part = target.with_name(target.name + ".part")
    with part.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(target)


def read(path: Path) -> dict[str, Any]:
    """Raises ValueError where the file is missing or is none of ours."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or "network" not in state:
            raise TypeError("it holds no network of this zoo")
    except UNREADABLE as error:
        raise ValueError(f"the weights {path} cannot be read ({type(error).__name__}): {error}") from error
    return state


def identity(request: TrainRequest, parameters: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint must share with a request to be continued by it."""
    return {
        "variant": request.variant,
        "classes": list(request.classes),
        "epochs": request.epochs,
        "tile": request.tile,
        "batch": request.batch,
        "seed": request.seed,
        "shrink": request.shrink,
        "parameters": dict(parameters),
    }


def find_start(request: TrainRequest, parameters: dict[str, Any]) -> Start:
    """Whether `request.resume_from` can be continued; if not, why it starts anew."""
    if request.resume_from is None:
        return Start(None, 0)
    path = Path(request.resume_from)
    try:
        state = read(path)
    except ValueError:
        return Start(None, 0, f"started anew: the checkpoint {path.name} cannot be read")
    if "optimiser" not in state:
        return Start(None, 0, f"started anew: the checkpoint {path.name} belongs to a training that is finished")
    had, wanted = state["identity"], identity(request, parameters)
    other = [name for name, value in wanted.items() if had.get(name) != value]
    if other:
        return Start(None, 0, f"started anew: the checkpoint {path.name} has another {', '.join(other)}")
    return Start(state, int(state["epoch"]))


def take_over(network: nn.Module, weights: Path) -> tuple[str, ...]:
    """Load what of `weights` fits by name and shape into `network`; what does not is said in words."""
    stored: dict[str, torch.Tensor] = read(weights)["network"]
    mine = network.state_dict()
    fitting = {name: value for name, value in stored.items() if name in mine and mine[name].shape == value.shape}
    network.load_state_dict(fitting, strict=False)
    new = len(mine) - len(fitting)
    return (f"starting weights: {new} of {len(mine)} parts of the network fit none and begin anew",) if new else ()
