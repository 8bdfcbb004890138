"""Making the starter weights: `python -m models_zoo.yolo.starter`, on generated fields alone.

They are what a training starts from where no other weights are at hand: they know nuclei, cytoplasm and granules of
drawn cells, and no real one. Training, validation and test fields come of seeds that nothing else in the project
uses; `VARIANT.json` beside the weights holds what was measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from models_zoo import machine, registry
from models_zoo.generator import CLASSES, FieldSettings, SetSettings, generate_set
from models_zoo.metrics import Truth, evaluate
from models_zoo.records import DetectRequest, FieldRecord, Progress, Target, TrainRequest, TrainResult
from models_zoo.shapes import training_box

FOLDER = Path(__file__).parent / "starter"
TILE = 320
SEEDS = {"training": 7_000_001, "validation": 7_000_002, "test": 7_000_003}
# More cells in a field than in a smear: every picture that is looked at should teach.
DENSITY = 13.0
FIELDS_PER_CASE = 10


def draw(split: str, count: int, folder: Path) -> tuple[FieldRecord, ...]:
    """`count` fields of one tile each, saved below `folder`, with their contours as targets."""
    settings = SetSettings(FieldSettings(TILE, TILE, density=DENSITY), processes=machine.cores())
    place = folder / split
    place.mkdir(parents=True)
    records = []
    cases = max(1, count // FIELDS_PER_CASE)
    for number, field in enumerate(generate_set(count, SEEDS[split], cases, settings)):
        path = place / f"{number:05}.png"
        Image.fromarray(field.image).save(path)
        targets = tuple(
            Target("contour", tuple(float(v) for v in cell.contour.ravel()), CLASSES.index(cell.label))
            for cell in field.cells
        )
        records.append(FieldRecord(f"{split}{number}", str(path), TILE, TILE, 1.0, field.case, targets))
    return tuple(records)


def make(variant: str, fields: int, epochs: int, batch: int, seed: int, device: str, folder: Path) -> dict[str, Any]:
    """Train, measure, and put NAME.pt and its card into FOLDER; returns the card."""
    request = TrainRequest(
        variant=variant,
        classes=tuple(CLASSES),
        training=draw("training", fields, folder),
        validation=draw("validation", max(20, fields // 15), folder),
        out=str(folder / "model"),
        tile=TILE,
        epochs=epochs,
        batch=batch,
        seed=seed,
        device=device,
        threads=machine.cores(),
    )
    result: TrainResult = registry.call("train", request, report=_tell)
    figures = measure(result.onnx, draw("test", max(40, fields // 8), folder))
    card = {
        "variant": variant,
        "made_by": f"python -m models_zoo.yolo.starter --variant {variant} --fields {fields} --epochs {epochs} "
        f"--batch {batch} --seed {seed}",
        "trained_on": f"{fields} generated fields of {TILE} x {TILE} px, no real picture",
        "classes": list(CLASSES),
        "result": asdict(result) | {"weights": f"{variant}.pt", "onnx": ""},
        "test": figures,
        "licence": "AGPL-3.0",
        "notice": "For research use only. Not for use in diagnostic procedures.",
    }
    FOLDER.mkdir(exist_ok=True)
    shutil.copyfile(result.weights, FOLDER / f"{variant}.pt")
    (FOLDER / f"{variant}.json").write_text(json.dumps(card, indent=1) + "\n")
    return card


def measure(onnx: str, test: Sequence[FieldRecord]) -> dict[str, Any]:
    """AP50 and F1 on generated fields of other seeds, class by class."""
    request = DetectRequest(onnx, tuple(test), str(Path(onnx).with_name("test.npz")), TILE)
    found = registry.call("detect", request)
    truths = {field.key: Truth(*_boxes_and_labels(field), field.case) for field in test}
    report = evaluate(truths, found, CLASSES)
    return {
        "fields": report.fields,
        "cells": report.objects,
        "ap50": report.ap50,
        "ap50_interval": report.intervals["ap50"],
        "f1": report.f1,
        "found": report.found,
        "ap50_per_class": {name: row.ap50 for name, row in report.per_class.items()},
    }


def _boxes_and_labels(field: FieldRecord) -> tuple[Any, Any]:
    import numpy as np

    boxes = np.array([training_box(target, 1.0) for target in field.targets], np.float64).reshape(-1, 4)
    return boxes, np.array([target.label for target in field.targets], np.int64)


def _tell(progress: Progress) -> None:
    losses = ", ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
    left = progress.seconds_left / 60
    print(f"epoch {progress.epoch} of {progress.epochs}: {losses}, {left:.1f} min left", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models_zoo.yolo.starter", description=__doc__)
    parser.add_argument("--variant", default="yolo26n", help="network to train (yolo26n)")
    parser.add_argument("--fields", type=int, default=1200, help="generated fields to learn from (1200)")
    parser.add_argument("--epochs", type=int, default=22, help="times each is shown (22)")
    parser.add_argument("--batch", type=int, default=16, help="fields in one step (16)")
    parser.add_argument("--seed", type=int, default=0, help="of the training (0)")
    parser.add_argument("--device", default="auto", help="auto, cpu, or the number of a GPU")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="starter-") as folder:
        device = machine.choose_device(options.device)
        card = make(options.variant, options.fields, options.epochs, options.batch, options.seed, device, Path(folder))
    print(json.dumps(card["test"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
