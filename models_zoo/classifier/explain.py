"""Why a class was said, by torch and captum: Grad-CAM (Selvaraju 2017) and SmoothGrad (Smilkov 2017)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models_zoo.classifier.heat import Heat, enlarged, scaled
from models_zoo.classifier.model import CellClassifier

# Smilkov 2017: noise of 10 to 20 % of the range of the pixels, 50 samples.
NOISE, SAMPLES = 0.15, 50


def grad_cam(network: CellClassifier, crop: Tensor, label: int) -> Heat:
    """(side, side) in 0..1 for one `crop` (3, side, side) in 0..1, by captum's LayerGradCam on the last maps."""
    from captum.attr import LayerGradCam

    shown = crop[None].requires_grad_(True)
    found: Tensor = LayerGradCam(network, network.maps_layer).attribute(shown, target=label, relu_attributions=True)
    return scaled(enlarged(found[0, 0].detach().cpu().numpy(), crop.shape[-1]))


def smooth_grad(
    network: nn.Module, crop: Tensor, label: int, *, samples: int = SAMPLES, noise: float = NOISE, seed: int = 0
) -> Heat:
    """(side, side) in 0..1: the mean over noisy copies of |d score / d pixel|, the largest of the three colours.

        M(x) = 1/n sum_i | d S_c(x + N(0, (noise (max x - min x))^2)) / d x |

    by captum's NoiseTunnel over Saliency. The same seed gives the same map.
    """
    from captum.attr import NoiseTunnel, Saliency

    spread = float(crop.max() - crop.min()) * noise
    devices = [crop.device] if crop.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        tunnel: Any = NoiseTunnel(Saliency(network))
        found: Tensor = tunnel.attribute(
            crop[None].clone().requires_grad_(True),
            nt_type="smoothgrad",
            nt_samples=samples,
            nt_samples_batch_size=10,
            stdevs=max(spread, 1e-8),
            target=label,
            abs=True,
        )
    values: np.ndarray[Any, Any] = found[0].abs().amax(0).detach().cpu().numpy()
    return scaled(values)
