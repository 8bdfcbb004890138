"""YOLO as a network of the zoo: ultralytics' own layers and loss behind the contract that all families keep.

Trainings of this family are run by ultralytics' trainer (train.py); this is for notebooks, and for the suite that holds
every family to the same promises.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models_zoo.spec import Value
from models_zoo.training.network import Candidates, CellNetwork, Limits, Targets, pooled
from models_zoo.yolo import environment
from models_zoo.yolo.joining import join_norms

STRIDES = (8, 16, 32)
MOST = 2000


class YoloCells(CellNetwork):
    def __init__(self, variant: str, classes: int) -> None:
        super().__init__()
        from ultralytics.cfg import get_cfg
        from ultralytics.nn.tasks import DetectionModel

        self.classes = classes
        self.net: Any = DetectionModel(f"{variant}.yaml", nc=classes, verbose=False)
        self.net.args = get_cfg()

    def losses(self, pictures: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        batch = {"img": pictures, **_labels(targets, pictures)}
        terms, _ = self.net.loss(batch, self.net(pictures))
        # ultralytics gives the terms times the number of pictures.
        names = ("box_loss", "cls_loss", "dfl_loss")
        return {name: term / len(pictures) for name, term in zip(names, terms, strict=False)}

    def candidates(self, pictures: Tensor, limits: Limits) -> list[Candidates]:
        from models_zoo.yolo.export import Raw

        mode = self.net.training
        try:
            boxes, scores, _, *maps = Raw(self.net)(pictures)
        finally:
            self.net.train(mode)
        _, best = scores.amax(2).topk(min(MOST, scores.shape[1]), 1)
        chosen = [one[row] for one, row in zip(boxes, best, strict=True)]
        sure = [one[row] for one, row in zip(scores, best, strict=True)]
        empty = [one.new_zeros((len(one), 0)) for one in chosen]
        vectors = pooled(maps, STRIDES, chosen) if limits.features else empty
        return [Candidates(*parts) for parts in zip(chosen, sure, vectors, strict=True)]

    def settle_looking(self) -> None:
        join_norms(self.net)


def _labels(targets: Sequence[Targets], pictures: Tensor) -> dict[str, Tensor]:
    """ultralytics' way of saying what is where: centre and sides as shares of the picture."""
    height, width = pictures.shape[-2:]
    boxes = torch.cat([torch.from_numpy(one.boxes) for one in targets])
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    shares = torch.cat([centres, sides], 1) / torch.tensor([width, height, width, height])
    index = torch.cat([torch.full((len(one),), number) for number, one in enumerate(targets)])
    labels = torch.cat([torch.from_numpy(one.labels) for one in targets])
    return {
        "bboxes": shares.to(pictures.device),
        "cls": labels.float()[:, None].to(pictures.device),
        "batch_idx": index.float().to(pictures.device),
    }


def build(variant: str, classes: int, parameters: Mapping[str, Value]) -> Any:
    """`parameters` is empty: this family's settings stand in settings.py."""
    del parameters
    with tempfile.TemporaryDirectory() as folder:
        environment.prepare(Path(folder))
        with environment.output_to(Path(folder) / "log"):
            return YoloCells(variant, classes)
