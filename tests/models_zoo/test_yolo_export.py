from pathlib import Path

import numpy as np
import pytest

from models_zoo.runtime import OnnxDetector
from models_zoo.yolo import environment

SIZES = ((1, 64, 96), (3, 256, 160), (2, 32, 32))


@pytest.mark.parametrize("variant", ["yolo26n", "yolo11n"])
def test_onnx_answers_as_torch_does_at_any_size(variant: str, tmp_path: Path) -> None:
    environment.prepare(tmp_path / "environment")
    import torch
    from ultralytics.nn.tasks import DetectionModel

    from models_zoo.yolo.export import Raw, write

    torch.manual_seed(0)
    with environment.output_to(tmp_path / "log"):
        model = DetectionModel(f"{variant}.yaml", nc=3, verbose=False).eval()
        raw = Raw(model)
        write(raw, tmp_path / "model.onnx", {"classes": ["a", "b", "c"], "tile": 64})
    detector = OnnxDetector(tmp_path / "model.onnx")
    assert detector.card == {"classes": ["a", "b", "c"], "tile": 64}
    for batch, height, width in SIZES:
        picture = torch.rand(batch, 3, height, width)
        with torch.no_grad():
            boxes, scores, points, *maps = (part.numpy() for part in raw(picture))
            stock = model(picture)[0].numpy().transpose(0, 2, 1)
        found = detector(picture.numpy())
        np.testing.assert_allclose(found.boxes, boxes, atol=1e-3)
        np.testing.assert_allclose(found.scores, scores, atol=1e-5)
        np.testing.assert_array_equal(found.points, points)
        for mine, theirs in zip(found.maps, maps, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-4)
        # ultralytics' own decoding of the same picture: centre and sides, then the scores.
        corners = np.concatenate([stock[..., :2] - stock[..., 2:4] / 2, stock[..., :2] + stock[..., 2:4] / 2], 2)
        np.testing.assert_allclose(boxes, corners, atol=1e-3)
        np.testing.assert_allclose(scores, stock[..., 4:], atol=1e-6)


@pytest.mark.parametrize("variant", ["yolo26n", "yolo11n"])
def test_joined_norms_change_no_answer_and_none_is_left(variant: str, tmp_path: Path) -> None:
    environment.prepare(tmp_path / "environment")
    import torch
    from torch import nn
    from ultralytics.nn.tasks import DetectionModel

    from models_zoo.yolo.export import Raw
    from models_zoo.yolo.joining import join_norms

    torch.manual_seed(0)
    with environment.output_to(tmp_path / "log"):
        raw = Raw(DetectionModel(f"{variant}.yaml", nc=3, verbose=False))
    norms = [layer for layer in raw.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:  # as if it had learned
        assert norm.running_mean is not None
        assert norm.running_var is not None
        nn.init.normal_(norm.running_mean, std=0.1)
        nn.init.uniform_(norm.running_var, 0.5, 1.5)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    picture = torch.rand(2, 3, 96, 64)
    with torch.no_grad():
        before = raw(picture)
        join_norms(raw)
        after = raw(picture)
    assert len(norms) > 50
    assert not [layer for layer in raw.modules() if isinstance(layer, nn.BatchNorm2d)]
    for one, other in zip(before, after, strict=True):
        assert float((one - other).abs().max()) <= 1e-4 * max(1.0, float(one.abs().max()))


def test_a_fused_model_is_refused(tmp_path: Path) -> None:
    environment.prepare(tmp_path / "environment")
    from ultralytics.nn.tasks import DetectionModel

    from models_zoo.yolo.export import Raw

    with environment.output_to(tmp_path / "log"):
        model = DetectionModel("yolo26n.yaml", nc=3, verbose=False).eval()
        model.end2end = True
        model.fuse()
    with pytest.raises(ValueError, match="fused"):
        Raw(model)


def test_a_file_that_is_no_image_is_still_called_so(tmp_path: Path) -> None:
    environment.prepare(tmp_path / "environment")
    import ultralytics  # noqa: F401  # it replaces Pillow's function
    from PIL import Image, UnidentifiedImageError

    file = tmp_path / "a.png"
    file.write_text("no picture")
    with pytest.raises(UnidentifiedImageError):
        Image.open(file)
