"""The network: a timm backbone without its own head, the mean over its last maps, dropout, one linear layer.

Because the head is a mean and a linear layer whatever the backbone, Grad-CAM needs no gradient (Selvaraju 2017, section
3.1): the derivative of class c's logit by map k is w_ck / (h w) everywhere, so the map of evidence is
relu(sum_k w_ck / (h w) A_k). `evidence` gives it before the relu, and so does the exported file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from models_zoo.spec import Value

# Of the pictures timm's weights were trained on; pixels are centred by them whatever the weights are.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class CellClassifier(nn.Module):
    """Input (b, 3, side, side), RGB in 0..1; `forward` answers with logits (b, classes)."""

    def __init__(self, backbone: str, classes: int, dropout: float, side: int) -> None:
        super().__init__()
        self.backbone = backbone_of(backbone, side)
        with torch.no_grad():
            self.backbone.eval()
            channels = self._shaped(self.backbone(torch.zeros(1, 3, side, side))).shape[1]
            self.backbone.train()
        self.maps_layer = nn.Identity()  # a place that captum can hold on to
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, classes)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.maps(x).mean((2, 3))))
        return logits

    def maps(self, x: Tensor) -> Tensor:
        """(b, channels, h, w): the backbone's last maps."""
        mean, std = self.mean, self.std
        assert isinstance(mean, Tensor)  # noqa: S101  # nn.Module types a buffer as tensor or module
        assert isinstance(std, Tensor)  # noqa: S101
        seen: Tensor = self.maps_layer(self._shaped(self.backbone((x - mean) / std)))
        return seen

    def evidence(self, maps: Tensor) -> Tensor:
        """(b, classes, h, w): how much each place speaks for each class; its sum and the bias make the logit."""
        return torch.einsum("bkhw,ck->bchw", maps, self.head.weight) / (maps.shape[2] * maps.shape[3])

    def _shaped(self, found: Tensor) -> Tensor:
        """Maps as (b, channels, h, w), whether the backbone is of convolutions, of windows or of tokens."""
        if found.ndim == 4:
            nhwc = getattr(self.backbone, "output_fmt", "NCHW") == "NHWC"
            return found.permute(0, 3, 1, 2) if nhwc else found
        tokens = found[:, int(getattr(self.backbone, "num_prefix_tokens", 0)) :]
        side = round(tokens.shape[1] ** 0.5)
        return tokens.transpose(1, 2).reshape(len(tokens), tokens.shape[2], side, side)


def backbone_of(name: str, side: int) -> Any:
    """Raises ValueError for a name that timm does not know."""
    if not timm.is_model(name):
        near = timm.list_models(f"*{name[:6]}*")[:3] or ["resnet18", "efficientnet_b0", "convnext_tiny"]
        raise ValueError(f"timm has no backbone {name!r}; it has {', '.join(near)} and others (timm.list_models())")
    plain: dict[str, Any] = {"pretrained": False, "num_classes": 0, "global_pool": ""}
    try:
        return timm.create_model(name, img_size=side, **plain)
    except TypeError:  # convolutions take any size and do not want to hear of it
        return timm.create_model(name, **plain)


def build(variant: str, classes: int, parameters: Mapping[str, Value], side: int = 224) -> CellClassifier:
    """A new network with random weights; `parameters` are settled ones (Spec.settle)."""
    del variant
    if classes < 1:
        raise ValueError("a classifier needs at least one class")
    return CellClassifier(str(parameters["backbone"]), classes, float(parameters["dropout"]), side)
