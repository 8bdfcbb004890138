"""Two stand-ins for a trained network whose answers can be reckoned by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.parser
from scipy import ndimage

from models_zoo.detections import Floats
from models_zoo.runtime import RawOutputs

_HEAD = """
<ir_version: 8, opset_import: ["" : 13]>
squares (float[B, 3, H, W] x) => (float[B, A, 4] boxes, float[B, A, 3] scores, float[A, 2] points,
    float[B, 3, H3, W3] p3, float[B, 3, H4, W4] p4, float[B, 3, H5, W5] p5)
<int64 across = {3}, int64 down = {2}, int64 first = {0}, float half = {0.5}, int64[3] flat = {0, 3, -1}>
{
"""
_LEVEL = """
  pN = AveragePool<kernel_shape=[SIDE, SIDE], strides=[SIDE, SIDE]>(x)
  strideN = Constant<value = float {SIDE.0}>()
  nothingN = Sub(pN, pN)
  onesN = Exp(nothingN)
  sideN = Mul(onesN, strideN)
  columnN = CumSum(onesN, across)
  rowN = CumSum(onesN, down)
  column_middleN = Sub(columnN, half)
  row_middleN = Sub(rowN, half)
  xN = Mul(column_middleN, strideN)
  yN = Mul(row_middleN, strideN)
  scoreN = Reshape(pN, flat)
  flat_xN = Reshape(xN, flat)
  flat_yN = Reshape(yN, flat)
  flat_sideN = Reshape(sideN, flat)
"""
_TAIL = """
  three_scores = Concat<axis=2>(score3, score4, score5)
  scores = Transpose<perm=[0, 2, 1]>(three_scores)
  three_x = Concat<axis=2>(flat_x3, flat_x4, flat_x5)
  three_y = Concat<axis=2>(flat_y3, flat_y4, flat_y5)
  three_sides = Concat<axis=2>(flat_side3, flat_side4, flat_side5)
  first_only = Constant<value = int64[1] {0}>()
  px = Gather<axis=1>(three_x, first_only)
  py = Gather<axis=1>(three_y, first_only)
  side = Gather<axis=1>(three_sides, first_only)
  x0 = Sub(px, side)
  y0 = Sub(py, side)
  x1 = Add(px, side)
  y1 = Add(py, side)
  corners = Concat<axis=1>(x0, y0, x1, y1)
  boxes = Transpose<perm=[0, 2, 1]>(corners)
  places = Concat<axis=1>(px, py)
  places_last = Transpose<perm=[0, 2, 1]>(places)
  points = Gather<axis=0>(places_last, first)
}
"""


def squares_onnx(path: Path, card: dict[str, Any] | None = None) -> Path:
    """Write a model that keeps the contract of models_zoo.runtime.

    Each level averages the picture over the squares of its stride: that is its feature map and, channel by channel,
    the score of its three classes (red, green, blue). Every candidate is a box of twice the stride about its point.
    """
    levels = "".join(_LEVEL.replace("N", str(n)).replace("SIDE", str(side)) for n, side in ((3, 8), (4, 16), (5, 32)))
    model = onnx.parser.parse_model(_HEAD + levels + _TAIL)
    if card is not None:
        onnx.helper.set_model_props(model, {"card": json.dumps(card)})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def blobs(batch: Floats) -> RawOutputs:
    """A network that finds each connected region of pure red, green or blue, the larger the surer.

    Like a real one it sees of a region only what the tile shows.
    """
    found: list[list[tuple[tuple[float, ...], tuple[float, ...]]]] = []
    for picture in batch:
        mine: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
        for channel in range(3):
            others = np.delete(picture, channel, 0).max(0)
            regions, _ = ndimage.label((picture[channel] > 0.5) & (others < 0.2))
            for rows, columns in ndimage.find_objects(regions):
                area = (rows.stop - rows.start) * (columns.stop - columns.start)
                scores = np.full(3, 0.002)
                scores[channel] = min(0.99, area / 2000)
                mine.append(((columns.start, rows.start, columns.stop, rows.stop), tuple(scores)))
        found.append(mine)
    longest = max(1, *(len(mine) for mine in found))
    boxes, scores = np.zeros((len(batch), longest, 4), np.float32), np.zeros((len(batch), longest, 3), np.float32)
    for number, mine in enumerate(found):
        for place, (box, score) in enumerate(mine):
            boxes[number, place], scores[number, place] = box, score
    maps = tuple(batch[:, :, ::side, ::side] for side in (8, 16, 32))
    return RawOutputs(boxes, scores, np.zeros((longest, 2), np.float32), maps)
