"""SmoothGrad of one crop by a process of its own, for whoever must not load torch.

    python -m models_zoo.classifier.smooth WEIGHTS.pt CROP.png CLASS OUT.png

CROP is what the network saw (side x side), CLASS one of the names on its card; OUT is the crop under its heat map.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from models_zoo.classifier import keeping
from models_zoo.classifier.explain import smooth_grad
from models_zoo.classifier.heat import over
from models_zoo.images import read_rgb


def write_smooth_grad(weights: Path, crop: Path, name: str, out: Path) -> None:
    """Raises ValueError where the weights cannot be read or do not know the class."""
    network, card = keeping.load(weights)
    pixels = read_rgb(crop)
    shown = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255
    heat = smooth_grad(network, shown, list(card["classes"]).index(name))
    Image.fromarray(over(pixels, heat)).save(out, "PNG")


if __name__ == "__main__":
    write_smooth_grad(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
