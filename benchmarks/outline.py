"""From a weak circle to the contour of its cell: `python -m benchmarks.outline`.

Experts' circles are simulated from exact contours; the workbench's own code outlines the cells; what it finds is
compared with the truth, on the pictures as they are and on pictures that are made harder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from skimage import draw

from benchmarks import frame, outliner, shifts
from benchmarks.contoured import Case, Cell, boxed, circled, drawn_circle, read
from models_zoo.generator import STAINS, FieldSettings, generate_field

DATA = "wbc-contours"
DRAWS = {"small": 1, "full": 3}
GENERATED_FIELDS = {"small": 10, "full": 40}
WORSE = 2.5
FIELD, ACROSS, TIMED = (4000, 3000), 300, 60
PEERS: dict[str, Callable[[Case], float]] = {"grabcut": outliner.of_grabcut, "watershed": outliner.of_watershed}
RESAMPLES = 2000

Make = Callable[[Cell, np.random.Generator], Case]


def scenes(cells: Sequence[Cell]) -> dict[str, Make]:
    """Each way in which a cell becomes a case; the empty name is the pictures as they are."""
    return {
        "": circled,
        "circles": lambda cell, rng: circled(cell, rng, WORSE),
        "boxes": boxed,
        "stain": lambda cell, rng: circled(shifts.restained(cell, rng), rng),
        "red_cells": lambda cell, rng: circled(shifts.among_red_cells(cell, rng), rng),
        "touching": lambda cell, rng: circled(shifts.beside(cell, cells, rng), rng),
        "border": shifts.cut,
    }


def measure(task: frame.Task) -> frame.Outcome:
    """All scenes of the data set, the generated fields, and the time in a large field."""
    cells = read(frame.data_folder(DATA))
    figures: dict[str, float | int | None] = {"cells": len(cells)}
    details: dict[str, object] = {}
    for number, (name, make) in enumerate(scenes(cells).items()):
        cases = [
            make(cell, np.random.default_rng((number, turn, index)))
            for turn in range(DRAWS[task.setting])
            for index, cell in enumerate(cells)
        ]
        _scene(task, name, cases, figures, details)
    _scene(task, "generated", generated(GENERATED_FIELDS[task.setting]), figures, details)
    figures["ms_p95"], details["ms"] = _pace(task, cells)
    return frame.Outcome(figures, details)


def _scene(
    task: frame.Task, name: str, cases: list[Case], figures: dict[str, float | int | None], details: dict[str, object]
) -> None:
    """Outlines the cases and adds their figures: the name of the scene stands behind the name of the figure."""
    answers = outliner.ask(cases, task.folder / (name or "plain"))
    ious = [outliner.iou(answer, case) for answer, case in zip(answers, cases, strict=True)]
    tail = f"_{name}" if name else ""
    figures[f"iou_mean{tail}"] = rounded(np.mean(ious))
    figures[f"iou_p5{tail}"] = rounded(np.quantile(ious, 0.05))
    low, high = interval(ious)
    faults = [answer.fault for answer in answers if answer.fault is not None]
    details[name or "plain"] = {
        "cases": len(cases),
        "iou_mean_95": [rounded(low), rounded(high)],
        "share_above_0.85": rounded(np.mean(np.array(ious) > 0.85)),
        "without_contour": len(faults),
        "iou": [rounded(value) for value in ious],
    }
    if name != "boxes":
        figures[f"iou_circle{tail}"] = rounded(_circles(cases))
    if not name:
        _beside(cases, figures)
    if name in ("", "stain"):
        _peers(cases, tail, figures)
    task.say(
        f"{name or 'plain'}: {figures[f'iou_mean{tail}']} ({rounded(low)} to {rounded(high)}), {len(faults)} without"
    )


def _circles(cases: Sequence[Case]) -> float:
    """Of the one factor that is best for these cases: nothing that does not look can do better."""
    factor = outliner.best_factor(cases)
    return float(np.mean([outliner.of_circle(case, factor) for case in cases]))


def _beside(cases: Sequence[Case], figures: dict[str, float | int | None]) -> None:
    figures["circle_factor"] = outliner.best_factor(cases)
    figures["iou_above_circle"] = _difference(figures["iou_mean"], figures["iou_circle"])


def _peers(cases: Sequence[Case], tail: str, figures: dict[str, float | int | None]) -> None:
    means = {name: rounded(np.mean([peer(case) for case in cases])) for name, peer in PEERS.items()}
    figures |= {f"{name}_iou_mean{tail}": mean for name, mean in means.items()}
    figures[f"iou_next{tail}"] = max(means.values())
    figures[f"iou_above_next{tail}"] = _difference(figures[f"iou_mean{tail}"], figures[f"iou_next{tail}"])


def generated(fields: int) -> list[Case]:
    """Cells of generated fields in all stains at several scales and strengths, crowded and among red cells; those that
    another cell covers by more than a twelfth are left out."""
    cases = []
    for seed in range(fields):
        rng = np.random.default_rng((77, seed))
        settings = FieldSettings(
            width=700,
            height=500,
            um_per_px=float(rng.uniform(0.14, 0.3)),
            density=9,
            stain=list(STAINS)[seed % len(STAINS)],
            strength=float(rng.uniform(0.6, 1.3)),
            red_cells=float(rng.uniform(0.1, 0.6)),
            smudge_share=0,
            artefact_share=0,
            blur_share=0,
        )
        field = generate_field((77, seed), settings)
        masks = [draw.polygon2mask(field.image.shape[:2], cell.contour[:, ::-1] - 0.5) for cell in field.cells]
        for index, mask in enumerate(masks):
            covered = sum((other & mask).sum() for other in masks[index + 1 :])
            if mask.sum() >= 400 and covered * 12 <= mask.sum():
                side = 2 * float(np.sqrt(mask.sum() / np.pi))
                cases.append(Case(field.image, mask, "circle", drawn_circle(mask, side, rng)))
    return cases


def _pace(task: frame.Task, cells: Sequence[Cell]) -> tuple[float, dict[str, object]]:
    """Milliseconds for cells of 300 px in a field of 4000x3000, one by one, in a process that is warm."""
    width, height = FIELD
    rng = np.random.default_rng(5)
    field = np.full((height, width, 3), 235, np.uint8)
    places = [(column, row) for row in range(0, height - 599, 600) for column in range(0, width - 599, 600)]
    drawn = []
    for index, (column, row) in enumerate(places):
        cell = enlarged(cells[index * len(cells) // len(places)])
        across, down = min(cell.mask.shape[1], 600), min(cell.mask.shape[0], 600)
        field[row : row + down, column : column + across] = cell.picture[:down, :across]
        x, y, radius = drawn_circle(cell.mask, ACROSS, rng)
        drawn.append((column + x, row + y, radius))
    nothing = np.zeros((height, width), bool)
    cases = [Case(field, nothing, "circle", drawn[index % len(drawn)]) for index in range(TIMED)]
    load = frame.load()
    taken = [answer.ms for answer in outliner.ask(cases, task.folder / "pace")]
    details: dict[str, object] = {"median": rounded(np.median(taken)), "most": rounded(max(taken)), "load_before": load}
    return rounded(np.quantile(taken, 0.95), 1), details


def enlarged(cell: Cell) -> Cell:
    """So that the cell is 300 px across."""
    scale = ACROSS / cell.side
    size = round(cell.mask.shape[1] * scale), round(cell.mask.shape[0] * scale)
    picture = np.asarray(cv2.resize(cell.picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    mask = cv2.resize(cell.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    return replace(cell, picture=picture, mask=mask, side=float(ACROSS))


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean: bootstrap over cells, percentiles."""
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(np.array(values)[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def rounded(value: float | np.floating, digits: int = 4) -> float:
    return round(float(value), digits)


def _difference(one: float | int | None, other: float | int | None) -> float | None:
    return None if one is None or other is None else rounded(one - other)


def main() -> int:
    return frame.run("outline", "From a weak circle to the contour of its cell, against exact contours.", measure)


if __name__ == "__main__":
    sys.exit(main())
