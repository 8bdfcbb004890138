"""RetinaNet on circles: circular anchors, circle IoU, circle suppression (Gräbel 2021).

The network is that of models_zoo.retinanet with one radius where that has two sides; what is circular about it lies in
models_zoo.circles and models_zoo.parts.tied, which circular Mask R-CNN uses as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models_zoo.retinanet.model import RetinaCells, backbone_of
from models_zoo.spec import Value


def build(variant: str, classes: int, parameters: Mapping[str, Value]) -> Any:
    return RetinaCells(backbone_of(variant), classes, parameters, circular=True)
