"""Mask R-CNN as a network of the zoo: Faster R-CNN with a mask branch, on boxes or on circles.

On circles (`mask_rcnn-circular`) both stages speak of centre and radius, with circle IoU and circle suppression: what
Gräbel 2021 did for RetinaNet and names as future work for Mask R-CNN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models_zoo.faster_rcnn.model import RegionCells, backbone_of
from models_zoo.spec import Value


def build(variant: str, classes: int, parameters: Mapping[str, Value]) -> Any:
    circular = "circular" in variant.split("-")
    return RegionCells(backbone_of(variant), classes, parameters, circular=circular, masks=True)
