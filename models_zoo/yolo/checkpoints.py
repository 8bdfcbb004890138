"""Checkpoints: kept whole on disk, looked at before they are trusted, turned into weights at the end."""

from __future__ import annotations

import os
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models_zoo.records import TrainRequest

RESUME = "resume.pt"
BEST = "best.pt"

UNREADABLE = (OSError, EOFError, RuntimeError, TypeError, ValueError, KeyError, pickle.UnpicklingError)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a training begins: `checkpoint` with `epochs` behind it, or anew (None, 0) with the reason in `note`."""

    checkpoint: Path | None
    epochs: int
    note: str = ""


def keep(source: Path, target: Path) -> None:
    """Copy `source` to `target` so that a kill at any moment leaves either the old file or the new one."""
    part = target.with_name(target.name + ".part")
    shutil.copyfile(source, part)
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.replace(target)


def find_start(request: TrainRequest) -> Start:
    """Whether `request.resume_from` can be continued; if not, why it starts anew.

    It can if the file can be read, still has an epoch and an optimiser (a finished training has neither), and
    belongs to the same training: epochs, batch, tile, seed, classes, variant, and with or without a teacher.
    """
    if request.resume_from is None:
        return Start(None, 0)
    path = Path(request.resume_from)
    try:
        state = _read(path)
        reason = _reason_against(state, request)
    except UNREADABLE as error:
        return Start(None, 0, f"started anew: the checkpoint {path.name} cannot be read ({type(error).__name__})")
    if reason:
        return Start(None, 0, f"started anew: the checkpoint {path.name} {reason}")
    return Start(path, int(state["epoch"]) + 1)


def _read(path: Path) -> dict[str, Any]:
    from ultralytics.utils.patches import torch_load

    if not path.is_file():
        raise FileNotFoundError(path)
    state = torch_load(path, map_location="cpu")
    if not isinstance(state, dict):
        raise TypeError(f"{path} holds no checkpoint")
    return state


def _reason_against(state: dict[str, Any], request: TrainRequest) -> str:
    if state.get("epoch", -1) < 0 or not state.get("optimizer") or state.get("ema") is None:
        return "belongs to a training that is finished"
    arguments = state["train_args"]
    model = getattr(state["ema"], "student_model", state["ema"])
    wanted = {
        "epochs": (arguments["epochs"], request.epochs),
        "tile": (arguments["imgsz"], request.tile),
        "seed": (arguments["seed"], request.seed),
        "classes": (list(model.names.values()), list(request.classes)),
        "variant": (_variant(model.yaml), _variant(architecture(request.variant))),
        "teacher": (arguments.get("distill_model") is not None, request.teacher is not None),
    }
    other = [name for name, (had, wants) in wanted.items() if had != wants]
    return f"belongs to a training with another {', '.join(other)}" if other else ""


def architecture(variant: str) -> dict[str, Any]:
    """The layers of `variant` as ultralytics describes them; raises ValueError for a name it does not know."""
    from ultralytics.nn.tasks import yaml_model_load

    try:
        found: dict[str, Any] = yaml_model_load(f"{variant}.yaml")
    except FileNotFoundError as error:
        raise ValueError(f"ultralytics knows no variant '{variant}'") from error
    return found


def _variant(layers: dict[str, Any]) -> tuple[Any, ...]:
    return layers.get("scale"), layers.get("backbone"), layers.get("head")


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights to start from: `same` architecture or not, and what is to be known about them."""

    same: bool
    notes: tuple[str, ...]


def look_at(weights: Path, request: TrainRequest) -> Weights:
    """What of `weights` will be of use for the request; raises ValueError where the file is not readable."""
    from ultralytics.nn.tasks import load_checkpoint

    try:
        model, _ = load_checkpoint(str(weights))
    except UNREADABLE as error:
        raise ValueError(f"the weights {weights} cannot be read: {error}") from error
    if _variant(model.yaml) != _variant(architecture(request.variant)):
        note = f"the starting weights are of another size than {request.variant}: almost nothing of them is taken over"
        return Weights(False, (note,))
    known = {str(name).strip().lower() for name in model.names.values()}
    new = [name for name in request.classes if name.strip().lower() not in known]
    return Weights(True, (f"class rows trained anew: {', '.join(new)}",) if new else ())


def write_weights(checkpoint: Path, target: Path) -> int:
    """Strip `checkpoint` to a plain network in half precision that stock ultralytics loads; returns its epoch (from 1).

    Paths of this machine and the state of its repository do not travel with the file.
    """
    import torch
    from ultralytics.utils.torch_utils import strip_optimizer

    epoch = int(_read(checkpoint)["epoch"]) + 1
    part = target.with_name(target.name + ".part")
    stripped = strip_optimizer(checkpoint, str(part), {"git": None})
    if not stripped:
        raise ValueError(f"{checkpoint} is no checkpoint of a training")
    here = dict.fromkeys(("data", "project", "model", "pretrained", "resume", "distill_model", "save_dir"))
    stripped["train_args"] |= here
    stripped["model"].args = {**stripped["model"].args, **here}
    torch.save(stripped, part)
    part.replace(target)
    return epoch
