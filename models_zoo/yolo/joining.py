"""Batch norms made part of their convolutions: what a network that only looks saves of its time."""

from __future__ import annotations

from torch import nn


def join_norms(network: nn.Module) -> None:
    """Change `network` in place; it answers the same but for rounding, and cannot be trained any more.

    ultralytics' own `fuse` does the same, and takes away the head that answers with all candidates, which is ours.
    """
    from ultralytics.nn.modules.conv import Conv
    from ultralytics.utils.torch_utils import fuse_conv_and_bn

    for layer in network.modules():
        if isinstance(layer, Conv) and hasattr(layer, "bn"):
            layer.conv = fuse_conv_and_bn(layer.conv, layer.bn)
            del layer.bn
            layer.forward = layer.forward_fuse
