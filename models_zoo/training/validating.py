"""How good a network is after an epoch, on validation fields: it chooses the epoch that is kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models_zoo.detections import Detections
from models_zoo.metrics.average_precision import mean_over_classes, precision_at_recalls
from models_zoo.metrics.matching import lay_out
from models_zoo.metrics.rule import Rule, Truth
from models_zoo.training.network import CellNetwork, Limits, device_of, to_input
from models_zoo.training.pictures import Pictures

# Faint candidates cost much time and move the figure little.
LEAST_SCORE = 0.01
SEED = 1


@dataclass(frozen=True, order=True, slots=True)
class Worth:
    """AP50 on the validation fields; of equal ones (a young network finds nothing at all) the lower loss decides."""

    ap50: float
    minus_loss: float


def validate(network: CellNetwork, pictures: Pictures, batch: int) -> tuple[Worth, dict[str, float]]:
    """AP50 of whole fields against the shapes that are trained on, and the mean losses, named `val_...`."""
    network.eval()
    losses = _losses(network, pictures, batch)
    score = _ap50(network, pictures)
    return Worth(score, -sum(losses.values())), {f"val_{name}": value for name, value in losses.items()} | {
        "val_ap50": score
    }


def _losses(network: CellNetwork, pictures: Pictures, batch: int) -> dict[str, float]:
    """What is drawn at random inside a loss is drawn alike in every epoch, and moves no other draw."""
    device = device_of(network)
    totals: dict[str, float] = {}
    with torch.inference_mode(), torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(SEED)
        for start in range(0, len(pictures), batch):
            some = [pictures.sample(place) for place in range(start, min(start + batch, len(pictures)))]
            shown = to_input(np.stack([one.pixels for one in some]), next(network.parameters()))
            for name, value in network.losses(shown, [one.targets for one in some]).items():
                totals[name] = totals.get(name, 0.0) + float(value) * len(some)
    return {name: value / len(pictures) for name, value in totals.items()}


def _ap50(network: CellNetwork, pictures: Pictures) -> float:
    limits = Limits(LEAST_SCORE, 0.6, 1000, False, {})
    found: dict[str, Detections] = {}
    with torch.inference_mode():
        for number, one in enumerate(pictures.fields):
            found[str(number)] = network.see(np.asarray(one.pixels()), pictures.tile, limits)
    truths = {str(n): Truth(one.boxes().astype(np.float64), one.labels) for n, one in enumerate(pictures.fields)}
    rule = Rule("iou", 0.5)
    layout = lay_out(truths, found, rule, network.classes)
    matches = layout.matches(rule.least)
    curves = precision_at_recalls(layout, matches, layout.counted(matches, rule.least), np.ones((1, layout.case_count)))
    value = float(mean_over_classes(curves.mean(-1))[0])
    return value if np.isfinite(value) else 0.0
