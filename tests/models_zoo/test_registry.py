import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import models_zoo
from models_zoo import registry
from models_zoo.records import DetectRequest, FieldRecord, Progress, TrainRequest, TrainResult, to_json
from models_zoo.spec import Preset, Spec
from tests.models_zoo.toy import squares_onnx

ROOT = Path(__file__).parents[2]
PLAIN = ["detections", "images", "nms", "records", "registry", "shapes", "spec", "tiles", "yolo.spec", "__main__"]


def modules_after(code: str) -> set[str]:
    """The modules of a fresh Python in which `code` ran."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(list(sys.modules)))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_front_of_the_zoo_imports_nothing_heavy() -> None:
    loaded = modules_after(
        "".join(f"import models_zoo.{name}\n" for name in PLAIN) + "assert models_zoo.spec('yolo26n').family == 'yolo'"
    )
    heavy = {"torch", "torchvision", "cv2", "ultralytics", "onnxruntime", "onnx", "django", "scipy", "matplotlib"}
    assert not loaded & heavy


def test_the_runtime_brings_onnxruntime_alone() -> None:
    loaded = modules_after("import models_zoo.runtime")
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "torchvision", "cv2", "ultralytics", "django", "onnx", "scipy"}


def test_every_variant_has_its_family() -> None:
    assert models_zoo.names()[:5] == ["yolo26n", "yolo26s", "yolo26m", "yolo26l", "yolo26x"]
    assert "yolo11x" in models_zoo.names()
    for name in models_zoo.names():
        assert name in registry.spec(name).variants
    yolo = registry.spec("yolo26n")
    assert (yolo.family, yolo.licence) == ("yolo", "AGPL-3.0")
    assert yolo.tiny.variant in yolo.variants


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ValueError, match=r"no model 'yolo26nano'.*yolo26n"):
        registry.spec("yolo26nano")
    with pytest.raises(ValueError, match="the zoo can train, detect, export"):
        registry.entry("fly", "yolo26n")  # type: ignore[arg-type]


def train(request: TrainRequest, report: Callable[[Progress], None]) -> TrainResult:
    """A family of this test: it reports one epoch and is done, or falls."""
    if request.seed == 13:
        raise ValueError("no field has a label")
    report(Progress(1, request.epochs, {"box": 0.5}, 1.0, 2.0))
    return TrainResult("w.pt", "w.onnx", request.epochs, 1, 1.0, "scratch", 1, "cpu", 4)


def detect(request: DetectRequest, report: Callable[[int, int], None]) -> str:
    return f"toy looks at {request.model}"


SPEC = Spec(
    "toy",
    ("toy1",),
    f"{__name__}:train",
    f"{__name__}:detect",
    "nowhere:export",
    "-",
    "-",
    64,
    Preset("toy1", 64, 1, 1),
)


@pytest.fixture
def toy_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.FAMILIES, "toy", f"{__name__}:SPEC")


def training(seed: int = 0) -> TrainRequest:
    return TrainRequest("toy1", ("cell",), (), (), "out", tile=64, epochs=3, batch=2, seed=seed)


@pytest.mark.usefixtures("toy_family")
def test_a_family_is_one_line_in_the_table() -> None:
    heard: list[Progress] = []
    assert "toy1" in models_zoo.names()
    assert models_zoo.call("train", training(), report=heard.append).epochs == 3
    assert heard[0].epochs == 3
    weights = DetectRequest("best.pt", (), "out.npz", 64, variant="toy1")
    assert models_zoo.call("detect", weights, report=None) == "toy looks at best.pt"


def test_onnx_needs_no_family(tmp_path: Path) -> None:
    request = DetectRequest(str(squares_onnx(tmp_path / "m.onnx")), (), str(tmp_path / "new" / "out.npz"), 64)
    assert models_zoo.call("detect", request) == {}
    assert (tmp_path / "new" / "out.npz").is_file()


@pytest.mark.usefixtures("toy_family")
def test_training_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from models_zoo.__main__ import main

    path = tmp_path / "request.json"
    path.write_bytes(to_json(training()))
    assert main(["train", str(path)]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["weights"] == "w.pt"
    assert "epoch 1 of 3" in printed.err
    path.write_bytes(to_json(training(seed=13)))
    assert main(["train", str(path)]) == 1
    assert capsys.readouterr() == ("", "no field has a label\n")


def test_detecting_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from models_zoo.__main__ import main

    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[24:32, 40:48, 1] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    field = FieldRecord("a", str(tmp_path / "a.png"), 64, 64, 1.0)
    model, out = squares_onnx(tmp_path / "m.onnx"), tmp_path / "found.npz"
    path = tmp_path / "request.json"
    path.write_bytes(to_json(DetectRequest(str(model), (field,), str(out), 320, min_score=0.9)))
    assert main(["detect", str(path)]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[-1]) == {"out": str(out), "fields": 1, "detections": 1}
    assert printed.err == "field 1 of 1\n"
    assert out.is_file()


def test_what_is_wrong_with_a_request_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from models_zoo.__main__ import main

    path = tmp_path / "request.json"
    path.write_text('{"variant": "yolo26n"}')
    assert main(["train", str(path)]) == 1
    assert "is not a train request: Object missing required field `classes`" in capsys.readouterr().err
    assert main(["detect", str(tmp_path / "absent.json")]) == 1
    assert "absent.json" in capsys.readouterr().err
    assert main(["names"]) == 0
    assert len(json.loads(capsys.readouterr().out)["models"]) == len(models_zoo.names())
