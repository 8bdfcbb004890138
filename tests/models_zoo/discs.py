"""Toy fields: dark discs on a pale ground, which a small detector learns within seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from models_zoo.records import FieldRecord, Target

CLASSES = ("dark", "pale")
COLOURS = ((70, 30, 110), (170, 120, 150))


def draw(folder: Path, fields: int, side: int = 96, seed: int = 0, discs: int = 4) -> tuple[FieldRecord, ...]:
    """`fields` pictures of `discs` discs (radius 9 to 15 px) that do not touch, each labelled by its exact circle."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    return tuple(_field(folder / f"{number}.png", side, discs, chance) for number in range(fields))


def _field(path: Path, side: int, discs: int, chance: np.random.Generator) -> FieldRecord:
    picture = Image.fromarray(chance.normal(225, 5, (side, side, 3)).clip(0, 255).astype(np.uint8))
    brush = ImageDraw.Draw(picture)
    circles: list[tuple[float, float, float]] = []
    for _ in range(100):
        radius = chance.uniform(9, 15)
        x, y = (float(value) for value in chance.uniform(radius, side - radius, 2))
        if len(circles) < discs and all(np.hypot(x - a, y - b) > radius + r + 2 for a, b, r in circles):
            label = len(circles) % 2
            # Pillow paints whole pixels whose centre lies inside: half a pixel less puts the edge where it is said.
            brush.ellipse((x - radius, y - radius, x + radius - 1, y + radius - 1), fill=COLOURS[label])
            circles.append((x, y, radius))
    picture.save(path)
    targets = tuple(Target("circle", circle, number % 2) for number, circle in enumerate(circles))
    return FieldRecord(path.stem, str(path), side, side, 1.0, targets=targets)
