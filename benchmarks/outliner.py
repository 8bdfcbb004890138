"""Contours for cases: by the workbench's own scripts, run by Node; by OpenCV and scikit-image; and without looking."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import color, draw, segmentation

from benchmarks.contoured import Case, Mask
from benchmarks.frame import ROOT, CannotMeasureError
from models_zoo.images import Pixels

SHRINK = 0.905  # as static/src/outline/start.ts has it; a test holds both together
_HALF, _UNIT = 72, 48  # the peers' frame: pixels from its middle to its side, and for a radius


class Answer(NamedTuple):
    """A contour (k, 2) in pixels of the picture or None, why there is none, and the milliseconds it took."""

    points: npt.NDArray[np.float64] | None
    fault: str | None
    ms: float


def ask(cases: Sequence[Case], folder: Path) -> list[Answer]:
    """The contours that the workbench would draw. Raises CannotMeasureError where Node or the packages are missing."""
    node = ROOT / ".venv" / "bin" / "node"
    if not node.exists() or not (ROOT / "static" / "node_modules" / "esbuild").exists():
        raise CannotMeasureError(
            "the workbench's scripts cannot be run here: make setup brings Node and their packages"
        )
    folder.mkdir(parents=True, exist_ok=True)
    _write(cases, folder)
    done = subprocess.run(
        [str(node), str(ROOT / "benchmarks" / "outliner.mjs"), str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CannotMeasureError(f"the workbench's scripts failed: {done.stderr.strip()[-800:]}")
    answers = json.loads((folder / "answers.json").read_text())
    return [Answer(_points(one["points"]), one["fault"], float(one["ms"])) for one in answers]


def _write(cases: Sequence[Case], folder: Path) -> None:
    """A picture that several cases share, the same object, is written once."""
    places: dict[int, int] = {}
    pictures: list[dict[str, int]] = []
    at = 0
    with (folder / "pictures.bin").open("wb") as file:
        for case in cases:
            if id(case.picture) in places:
                continue
            places[id(case.picture)] = len(pictures)
            height, width = case.mask.shape
            pictures.append({"width": width, "height": height, "at": at})
            opaque = np.full((height, width, 1), 255, np.uint8)
            at += file.write(np.concatenate([case.picture, opaque], axis=2).tobytes())
    cells = [{"picture": places[id(case.picture)], "kind": case.kind, "points": case.points} for case in cases]
    (folder / "cells.json").write_text(json.dumps({"pictures": pictures, "cells": cells}))


def _points(flat: list[float] | None) -> npt.NDArray[np.float64] | None:
    return None if flat is None else np.array(flat, float).reshape(-1, 2)


def iou(answer: Answer, case: Case) -> float:
    """Pixels that both the contour and the truth hold, by those that either holds; 0 where there is no contour."""
    return 0.0 if answer.points is None else of_masks(filled(answer.points, case.mask.shape), case.mask)


def filled(points: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Mask:
    """The pixels whose middle lies inside."""
    return np.asarray(draw.polygon2mask(shape, points[:, ::-1] - 0.5), bool)


def of_masks(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def of_circle(case: Case, factor: float = SHRINK) -> float:
    """IoU of the circle times `factor`: it never looks at the picture."""
    x, y, radius = case.points
    rows, columns = np.indices(case.mask.shape) + 0.5
    return of_masks(np.hypot(columns - x, rows - y) < radius * factor, case.mask)


def best_factor(cases: Sequence[Case]) -> float:
    """The factor from 0.80 to 1.00 by which the circles agree best with the truth, on average."""
    factors = [round(float(factor), 3) for factor in np.arange(0.80, 1.0001, 0.005)]
    return max(factors, key=lambda factor: float(np.mean([of_circle(case, factor) for case in cases])))


def of_grabcut(case: Case) -> float:
    """GrabCut (Rother 2004, OpenCV): surely the cell within 0.35 radii, surely not beyond 1.06, four turns."""
    frame, depth = _frame(case)
    labels = np.full(depth.shape, cv2.GC_PR_BGD, np.uint8)
    labels[depth < 0.93] = cv2.GC_PR_FGD
    labels[depth < 0.35] = cv2.GC_FGD
    labels[depth > 1.06] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(frame, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    return of_masks(_unframed(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)), case), case.mask)


def of_watershed(case: Case) -> float:
    """Watershed (scikit-image) of the gradient in CIELAB from the circle's core and from beyond 1.06 radii."""
    frame, depth = _frame(case)
    lab = ndimage.gaussian_filter(color.rgb2lab(frame), (1.5, 1.5, 0))
    gradient = np.sqrt(sum(ndimage.sobel(lab[..., plane], axis) ** 2 for plane in range(3) for axis in range(2)))
    markers = np.where(depth < 0.6, 1, np.where(depth > 1.06, 2, 0))
    return of_masks(_unframed(segmentation.watershed(gradient, markers) == 1, case), case.mask)


def _frame(case: Case) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """The picture round the circle, a radius being 48 pixels, and how many radii each pixel is from the middle."""
    frame = cv2.warpAffine(
        case.picture, _to_frame(case), (2 * _HALF, 2 * _HALF), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    rows, columns = np.indices((2 * _HALF, 2 * _HALF)) + 0.5 - _HALF
    return np.asarray(frame, np.uint8), np.asarray(np.hypot(rows, columns) / _UNIT)


def _to_frame(case: Case) -> npt.NDArray[np.float64]:
    x, y, radius = case.points
    scale = _UNIT / radius
    return np.array([[scale, 0, _HALF - 0.5 - scale * (x - 0.5)], [0, scale, _HALF - 0.5 - scale * (y - 0.5)]])


def _unframed(found: Mask, case: Case) -> Mask:
    """The piece that holds the middle (else the largest), without holes, in pixels of the picture."""
    pieces, count = ndimage.label(found)
    if count == 0:
        return np.zeros_like(case.mask)
    chosen = pieces[_HALF, _HALF] or 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    whole = ndimage.binary_fill_holes(pieces == chosen).astype(np.float32)
    height, width = case.mask.shape
    back = cv2.warpAffine(whole, _to_frame(case), (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(back > 0.5)
