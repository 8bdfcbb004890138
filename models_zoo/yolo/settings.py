"""How a detector is trained: every number that is a choice, with its reason, in one place.

Chosen on generated and toy fields (README of this folder), never on real data. What a project may decide
(variant, tile, epochs, batch, patience, shrink, seed) comes with the request and is not repeated here.
"""

from __future__ import annotations

import math

# AdamW with a stated rate: `auto` ignores lr0 and changes its optimiser with the number of steps, so that one more
# round of labels could change the whole schedule. The rate is what `auto` itself takes for few classes.
OPTIMISER = "AdamW"
LEARNING_RATE = 0.0015
FINAL_RATE_SHARE = 0.01
MOMENTUM = 0.9
WEIGHT_DECAY = 0.0005
# Half a cosine: the last epochs, which decide the precision of the boxes, run at a small rate.
COSINE = True

# ultralytics sums gradients up to a nominal batch of 64; with forty tiles that is one step an epoch. We step at
# every batch (nbs = batch).
WARM_UP_SHARE = 0.1
WARM_UP_EPOCHS_MOST = 3.0

# Feature distillation pulls the student through a projection that starts at random, so a short training is spent on
# unlearning: on 30 generated fields, 80 steps, weights of 6 (the vendor's), 1, 0.3 and 0 gave a student with AP50
# 0.538, 0.612, 0.674 and 0.725 (one run each). From so many steps on the asked weight holds; below, a share of it.
DISTIL_STEPS = 20_000

# The means that batch norms keep for inference follow with 0.03 a step in ultralytics, which needs hundreds of
# steps; after a hundred, a network that had learned its fields found nothing on them. Short trainings follow faster.
NORM_MOMENTUM, NORM_MOMENTUM_MOST, NORM_STEPS = 0.03, 0.1, 10

# Mosaic shows cells out of their smear; the last epochs show tiles as the detector will meet them.
MOSAIC = 1.0
WITHOUT_MOSAIC_SHARE = 0.15
# A smear has no up and no left. Turning by other angles is left out: the box of a turned box is too large.
FLIP = 0.5
DEGREES = 0.0
# The working resolution is normalised to the cell, and size tells a platelet from a megakaryocyte: scale little.
SCALE = 0.25
TRANSLATE = 0.1
# Stain and white balance differ between laboratories, but hue also tells an eosinophil from a neutrophil.
HUE, SATURATION, BRIGHTNESS = 0.015, 0.4, 0.3

# Marrow fields hold 450 nuclei; the stock limit is 300.
MAX_DETECTIONS = 1000
# Data loading processes where a GPU would wait for pictures; on a CPU ultralytics itself takes none.
GPU_WORKERS = 8

Value = str | int | float | bool


def schedule(epochs: int) -> dict[str, Value]:
    """Warm-up and the end of mosaic for a training of `epochs`."""
    return {
        "warmup_epochs": min(WARM_UP_EPOCHS_MOST, WARM_UP_SHARE * epochs),
        "warmup_bias_lr": 0.0,
        "close_mosaic": math.ceil(WITHOUT_MOSAIC_SHARE * epochs) if epochs > 1 else 0,
        "cos_lr": COSINE,
    }


def norm_momentum(steps: int) -> float:
    """Share by which a batch norm's running mean moves to each new batch, for a training of `steps` in all."""
    return min(NORM_MOMENTUM_MOST, max(NORM_MOMENTUM, NORM_STEPS / max(1, steps)))


def distil_weight(asked: float, steps: int) -> float:
    """Weight of feature distillation for a training of `steps` in all: `asked`, less where the training is short."""
    return asked * min(1.0, steps / DISTIL_STEPS)


def optimiser(batch: int) -> dict[str, Value]:
    return {
        "optimizer": OPTIMISER,
        "lr0": LEARNING_RATE,
        "lrf": FINAL_RATE_SHARE,
        "momentum": MOMENTUM,
        "weight_decay": WEIGHT_DECAY,
        "nbs": batch,
    }


def augmentation() -> dict[str, Value]:
    return {
        "mosaic": MOSAIC,
        "fliplr": FLIP,
        "flipud": FLIP,
        "degrees": DEGREES,
        "scale": SCALE,
        "translate": TRANSLATE,
        "hsv_h": HUE,
        "hsv_s": SATURATION,
        "hsv_v": BRIGHTNESS,
    }
