"""Weights and checkpoints of a classifier, read so that a file of somebody else can run no code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from models_zoo.classifier.model import CellClassifier, build


def write(state: dict[str, Any], target: Path) -> None:
    """Whole or not at all."""
    part = target.with_name(target.name + ".part")
    torch.save(state, part)
    part.replace(target)


def read(path: Path) -> dict[str, Any]:
    """Raises ValueError where the file is missing or is none of ours."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or "network" not in state or "card" not in state:
            raise TypeError("it holds no classifier of this zoo")
    except (OSError, EOFError, RuntimeError, TypeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise ValueError(f"the weights {path} cannot be read: {str(error) or type(error).__name__}") from error
    return state


def load(path: Path, device: str = "cpu") -> tuple[CellClassifier, dict[str, Any]]:
    """The network of a weights file, ready to look, and its card. Raises ValueError as `read` does."""
    state = read(path)
    card: dict[str, Any] = state["card"]
    network = build("classifier", len(card["classes"]), card["parameters"], int(card["tile"]))
    network.load_state_dict(state["network"])
    return network.eval().to(torch_device(device)), card


def torch_device(name: str) -> torch.device:
    return torch.device(f"cuda:{name}" if name.isdigit() else name)
