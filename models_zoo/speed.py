"""How many fields a second a family looks at, and beside it the loop of the library that it is built on.

`python -m models_zoo.speed FAMILY ...` draws fields, gives both sides the same untrained network, threads and device,
and prints one JSON line a family: `ours` looks in batches and merges tiles; `theirs` is torchvision's own
`model(images)`, ultralytics' `predict`, timm's own model on one crop after the other (a field is then one cell), or for
U-Net, which has no library's loop, one tile after the other.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models_zoo import registry
from models_zoo.images import Pixels
from models_zoo.spec import Spec

# Looks that are not counted, and those of which the fastest counts.
WARM, COUNTED = 1, 3


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models_zoo.speed", description=__doc__)
    parser.add_argument("family", nargs="+", choices=sorted(known()))
    parser.add_argument("--variant", default="", help="network (the family's tiny one)")
    parser.add_argument("--device", default="cpu", help="cpu, or the number of a GPU")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fields", type=int, default=4)
    parser.add_argument("--side", type=int, default=384, help="of a field, in working pixels")
    given = parser.parse_args(arguments)
    for family in given.family:
        spec = known()[family]
        variant = given.variant or spec.tiny.variant
        figures = measure(spec, variant, given.device, given.threads, given.fields, given.side)
        line = {"variant": variant, "device": given.device, "threads": given.threads, "side": given.side, **figures}
        print(json.dumps(line), flush=True)
    return 0


def known() -> dict[str, Spec]:
    """All families, detectors and the classifier, by name."""
    return {spec.family: spec for spec in (*registry.families(), *registry.families("classifier"))}


def measure(spec: Spec, variant: str, device: str, threads: int, count: int, side: int) -> dict[str, float]:
    """`ours` and `theirs`: fields per second, the two in turn so that what else the machine does hits both."""
    import torch

    from models_zoo.training.loop import torch_device
    from models_zoo.training.network import Limits

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    pictures = drawn(count, side)
    place = torch_device(device)
    network = registry.build(variant, 5, spec.tiny.parameters if variant == spec.tiny.variant else {}).eval()
    theirs = _theirs(spec.family, network, place, side)
    mine = network.to(place, torch.float16 if place.type == "cuda" else torch.float32)
    if spec.kind != "classifier":
        mine.settle_looking()
    mine = mine.to(memory_format=torch.channels_last)
    limits = Limits(0.05, 0.5, 1000, False, {})

    def ours(fields: Sequence[Pixels]) -> None:
        if spec.kind == "classifier":
            from models_zoo.classifier.detect import named

            named(mine, list(fields))
            return
        with torch.inference_mode():
            for one in fields:
                mine.see(one, side, limits)

    best = {"ours": np.inf, "theirs": np.inf}
    for number in range(WARM + COUNTED):
        for name, look in (("ours", ours), ("theirs", theirs)):
            began = time.perf_counter()
            look(pictures)
            if place.type == "cuda":
                torch.cuda.synchronize()
            if number >= WARM:
                best[name] = min(best[name], time.perf_counter() - began)
    return {name: round(count / seconds, 3) for name, seconds in best.items()}


def drawn(count: int, side: int) -> list[Pixels]:
    """Generated fields of that many working pixels, 40 of them a cell of 12 µm."""
    from models_zoo.generator import FieldSettings, generate_field

    settings = FieldSettings(width=side, height=side, um_per_px=0.3)
    return [np.asarray(generate_field(number, settings).image) for number in range(count)]


def _theirs(family: str, network: Any, place: Any, side: int) -> Callable[[Sequence[Pixels]], None]:
    import copy

    twin = copy.deepcopy(network).to(place)
    if family == "classifier":
        return _timm(twin, place)
    if family == "yolo":
        return _ultralytics(twin, place, side)
    if family == "unet":
        return _tile_by_tile(twin, place, side)
    return _torchvision(twin, place, side)


def _torchvision(twin: Any, place: Any, side: int) -> Callable[[Sequence[Pixels]], None]:
    """torchvision's detector of the same parts: its own transform, forward and suppression, picture by picture."""
    import torch
    from torchvision.models.detection.faster_rcnn import FasterRCNN
    from torchvision.models.detection.retinanet import RetinaNet

    sizes = {"min_size": side, "max_size": 2 * side}
    if hasattr(twin, "heads"):
        roi, first = twin.heads, twin.rpn
        model = FasterRCNN(
            twin.backbone,
            rpn_anchor_generator=first.anchor_generator,
            rpn_head=first.head,
            box_roi_pool=roi.box_roi_pool,
            box_head=roi.box_head,
            box_predictor=roi.box_predictor,
            rpn_pre_nms_top_n_test=first._pre_nms_top_n["testing"],
            rpn_post_nms_top_n_test=first._post_nms_top_n["testing"],
            box_detections_per_img=1000,
            **sizes,
        )
    else:
        net = twin.net
        grid, head = net.anchor_generator, net.head
        model = RetinaNet(
            net.backbone, 5, anchor_generator=grid, head=head, detections_per_img=1000, topk_candidates=2000, **sizes
        )
    model = model.to(place).eval()

    def look(fields: Sequence[Pixels]) -> None:
        with torch.inference_mode():
            for one in fields:
                model([torch.from_numpy(one).to(place).permute(2, 0, 1).float() / 255])

    return look


def _ultralytics(twin: Any, place: Any, side: int) -> Callable[[Sequence[Pixels]], None]:
    from ultralytics import YOLO

    model = YOLO("yolo26n.yaml")
    model.model = twin.net
    device = "cpu" if place.type == "cpu" else str(place.index or 0)

    def look(fields: Sequence[Pixels]) -> None:
        for one in fields:
            picture = np.ascontiguousarray(one[..., ::-1])
            model.predict(picture, imgsz=side, conf=0.05, max_det=1000, device=device, verbose=False, save=False)

    return look


def _timm(twin: Any, place: Any) -> Callable[[Sequence[Pixels]], None]:
    """The backbone with timm's own head on it, crop by crop, as timm's documents use it."""
    import timm
    import torch

    name = twin.backbone.default_cfg["architecture"]
    model = timm.create_model(name, pretrained=False, num_classes=twin.head.out_features)
    model.load_state_dict(twin.backbone.state_dict(), strict=False)
    model = model.to(place).eval()
    mean, std = twin.mean.to(place), twin.std.to(place)

    def look(fields: Sequence[Pixels]) -> None:
        with torch.inference_mode():
            for one in fields:
                batch = torch.from_numpy(one).to(place).permute(2, 0, 1)[None].float() / 255
                model((batch - mean) / std).softmax(1)

    return look


def _tile_by_tile(twin: Any, place: Any, side: int) -> Callable[[Sequence[Pixels]], None]:
    import torch

    from models_zoo.tiles import plan
    from models_zoo.training.network import Limits, batch_of

    limits = Limits(0.05, 0.5, 1000, False, {})

    def look(fields: Sequence[Pixels]) -> None:
        with torch.inference_mode():
            for one in fields:
                for tile in plan(one.shape[1], one.shape[0], side):
                    twin._cells(twin._maps(batch_of(twin, one, [tile]), False)[0].cpu().numpy(), limits)

    del place
    return look


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        from models_zoo.yolo import environment

        environment.prepare(Path(folder))
        sys.exit(main())
