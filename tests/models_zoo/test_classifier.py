"""The classifier: it learns toy cells within seconds, resumes bit for bit, and its explanations have known answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models_zoo import registry, two_stage
from models_zoo.classifier import crops, heat
from models_zoo.classifier.judging import judge_cells
from models_zoo.classifier.losses import class_weights, sampled
from models_zoo.classifier.spec import SPEC
from models_zoo.detections import Detections
from models_zoo.records import Cancelled, DetectRequest, FieldRecord, Progress, Target, TrainRequest, TrainResult
from tests.models_zoo import discs

PARAMETERS: dict[str, bool | int | float | str] = {"backbone": "test_resnet", "learning_rate": 0.005, "dropout": 0.3}


def request(folder: Path, **changes: object) -> TrainRequest:
    training = discs.draw(folder / "training", 6, seed=1)
    validation = discs.draw(folder / "validation", 2, seed=2)
    made = TrainRequest("classifier", discs.CLASSES, training, validation, str(folder / "out"), 32, 4, 8, 0)
    return replace(made, parameters=dict(PARAMETERS), threads=1, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainRequest, TrainResult, list[Progress]]:
    asked = request(tmp_path_factory.mktemp("classifier"), epochs=12, patience=12)
    heard: list[Progress] = []
    return asked, registry.call("train", asked, report=heard.append), heard


def look(model: str, asked: TrainRequest, folder: Path, fields: tuple[FieldRecord, ...]) -> dict[str, Detections]:
    wanted = DetectRequest(model, fields, str(folder / "out.npz"), 32, variant="classifier", features=True)
    if model.endswith(".onnx"):
        from models_zoo.classifier import runtime

        return runtime.detect_fields(wanted)
    found: dict[str, Detections] = registry.call("detect", wanted)
    return found


@pytest.mark.training
def test_it_learns_dark_from_pale_and_keeps_its_curves(
    trained: tuple[TrainRequest, TrainResult, list[Progress]], tmp_path: Path
) -> None:
    asked, result, heard = trained
    fields = discs.draw(tmp_path / "test", 4, seed=9)
    found = look(result.weights, asked, tmp_path, fields)
    labels = np.array([target.label for field in fields for target in field.targets])
    scores = np.concatenate([item.scores for item in found.values()])
    assert scores.sum(1) == pytest.approx(np.ones(len(scores)), abs=1e-3)
    assert judge_cells(labels, scores, asked.classes).accuracy == 1.0
    curves = json.loads((Path(asked.out) / "curves.json").read_text())
    assert curves["best_epoch"] == result.best_epoch
    assert len(curves["epochs"]) == result.epochs == len(heard)
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} == set(heard[0].losses)
    best = curves["epochs"][result.best_epoch - 1]["val_accuracy"]
    assert best == max(row["val_accuracy"] for row in curves["epochs"])


@pytest.mark.training
def test_the_onnx_file_says_the_same_as_torch_and_so_does_its_heat(
    trained: tuple[TrainRequest, TrainResult, list[Progress]], tmp_path: Path
) -> None:
    from models_zoo.classifier import explain, keeping, runtime

    asked, result, _ = trained
    fields = discs.draw(tmp_path / "test", 1, seed=5)
    by_torch = look(result.weights, asked, tmp_path, fields)["0"]
    by_onnx = look(result.onnx, asked, tmp_path, fields)["0"]
    assert by_onnx.scores == pytest.approx(by_torch.scores, abs=1e-4)
    assert by_onnx.features == pytest.approx(by_torch.features, abs=1e-3)
    image = crops.picture_of(fields[0])
    box = crops.boxes_of(fields[0])[0]
    answer = runtime.explain_cell(Path(result.onnx), image, box)
    network, card = keeping.load(Path(result.weights))
    import torch

    shown = torch.from_numpy(answer.crop.copy()).permute(2, 0, 1).float() / 255
    label = card["classes"].index(answer.classes[0][0])
    assert answer.heat == pytest.approx(explain.grad_cam(network, shown, label), abs=1e-3)
    assert answer.classes[0][1] == pytest.approx(by_onnx.top[0], abs=1e-5)
    assert any("resized to 32 x 32" in step for step in answer.steps)
    first = explain.smooth_grad(network, shown, label, samples=4)
    assert np.array_equal(first, explain.smooth_grad(network, shown, label, samples=4))
    assert first.shape == (32, 32)


@pytest.mark.training
def test_a_broken_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    import torch

    whole = registry.call("train", request(tmp_path, out=str(tmp_path / "whole"), epochs=3))

    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Cancelled

    broken = request(tmp_path, out=str(tmp_path / "broken"), epochs=3)
    with pytest.raises(Cancelled):
        registry.call("train", broken, report=stop)
    again = registry.call("train", replace(broken, resume_from=str(tmp_path / "broken" / "resume.pt")))
    assert again.notes == whole.notes == ()
    one, other = (torch.load(result.weights, weights_only=True)["network"] for result in (whole, again))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.training
def test_one_step_lowers_the_loss_and_forty_learn_four_cells_by_heart() -> None:
    import torch
    from torch.nn import functional

    torch.manual_seed(0)
    network = registry.build("classifier", 4, {"backbone": "test_resnet", "dropout": 0.0})
    shown, labels = torch.rand(4, 3, 64, 64), torch.arange(4)
    optimiser = torch.optim.Adam(network.parameters(), 0.001)
    losses = []
    for _ in range(40):
        loss = functional.cross_entropy(network(shown), labels)
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert losses[1] < losses[0]
    assert network(shown).argmax(1).equal(labels)
    assert losses[-1] < 0.1


@pytest.mark.training
def test_patience_ends_a_training_that_gets_no_better(tmp_path: Path) -> None:
    asked = request(tmp_path, epochs=40, patience=2)
    asked = replace(asked, parameters={**PARAMETERS, "learning_rate": 1e-4, "augment": False})
    result = registry.call("train", asked)
    assert result.epochs < 40
    assert result.epochs == result.best_epoch + 2
    assert "stopped early" in result.notes[-1]


def test_requests_that_cannot_be_trained_say_why(tmp_path: Path) -> None:
    asked = request(tmp_path)
    bare = tuple(replace(field, targets=()) for field in asked.training)
    for changed, words in (
        (replace(asked, training=bare), "no labelled cell"),
        (replace(asked, tile=33), "multiple of 32"),
        (replace(asked, parameters={"backbone": "resnet_of_mine"}), "no backbone 'resnet_of_mine'"),
        (replace(asked, parameters={"focal": 2}), "no parameter 'focal'"),
        (replace(asked, classes=("dark",)), "label 1 is none of 1"),
    ):
        with pytest.raises(ValueError, match=words):
            registry.call("train", changed)


def test_tiny_grey_and_deep_pictures_are_read_or_refused_in_words(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 90, np.uint8)).save(tmp_path / "tiny.png")
    Image.fromarray(np.full((40, 30), 90, np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(np.full((40, 30), 25_700, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="too few to show a cell"):
        crops.picture_of(FieldRecord("t", str(tmp_path / "tiny.png"), 4, 4, 1.0))
    for name, value in (("grey", 90), ("deep", 100)):
        record = FieldRecord(name, str(tmp_path / f"{name}.png"), 30, 40, 1.0)
        crop = crops.cut(crops.picture_of(record), crops.boxes_of(record)[0], 32, 1.25)
        assert crop.shape == (32, 32, 3)
        assert (crop == value).all()


def test_a_crop_shows_the_cell_with_its_margin_and_a_single_cell_picture_whole() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[40:60, 30:50] = 255
    crop = crops.cut(image, (30, 40, 50, 60), 50, 1.25)
    assert (crop[6:44, 6:44] == 255).all()
    assert (crop[:4] == 0).all()
    assert crops.square((0, 0, 100, 80), 100, 80, 1.25) == (0, -10, 100, 90)
    inside = crops.into_crop(np.array([(30, 40), (50, 60)]), (30, 40, 50, 60), 100, 100, 50, 1.25)
    assert inside.tolist() == [[5, 5], [45, 45]]


def test_rare_classes_weigh_more_and_are_drawn_as_often() -> None:
    counts = np.array([90, 10, 0])
    assert class_weights(counts).tolist() == pytest.approx([100 / 180, 5, 0])
    labels = np.repeat([0, 1], [900, 100])
    drawn = labels[sampled(labels, "sampling", np.random.default_rng(0))]
    assert drawn.mean() == pytest.approx(0.5, abs=0.05)
    assert sorted(sampled(labels, "weights", np.random.default_rng(0))) == list(range(1000))


def test_focal_loss_is_cross_entropy_at_zero_and_forgives_the_easy() -> None:
    import torch
    from torch.nn import functional

    from models_zoo.classifier.losses import focal

    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 0.5]]), torch.tensor([0, 0])
    assert focal(logits, labels, 0.0).item() == pytest.approx(functional.cross_entropy(logits, labels).item())
    p = torch.softmax(logits, 1)[:, 0]
    assert focal(logits, labels, 2.0).item() == pytest.approx(float((-((1 - p) ** 2) * p.log()).mean()))


def test_grad_cam_finds_the_place_that_the_answer_hangs_on() -> None:
    """A network whose maps are the picture itself: class 0 looks for red, class 1 for blue."""
    import torch

    from models_zoo.classifier import explain
    from models_zoo.classifier.model import CellClassifier

    network = CellClassifier("test_resnet", 2, 0.0, 32)
    network.backbone = torch.nn.AvgPool2d(4)
    network.head = torch.nn.Linear(3, 2)
    with torch.no_grad():
        network.get_buffer("mean").zero_()
        network.get_buffer("std").fill_(1.0)
        network.head.weight.copy_(torch.tensor([[1.0, 0, -1], [-1, 0, 1]]))
    network.eval()
    crop = torch.zeros(3, 32, 32)
    crop[0, 8:16, 8:16] = 1.0
    crop[2, 20:28, 20:28] = 1.0
    red, blue = (explain.grad_cam(network, crop, label) for label in (0, 1))
    square = np.array([(8, 8), (16, 8), (16, 16), (8, 16)])
    assert np.unravel_index(red.argmax(), red.shape)[0] in range(8, 16)
    assert (heat.share_inside(red, square) or 0) > 0.6
    assert heat.share_inside(blue, square) == pytest.approx(0, abs=0.01)
    evidence = network.evidence(network.maps(crop[None]))[0].detach().numpy()
    assert heat.grad_cam(evidence[0], 32) == pytest.approx(red, abs=1e-6)
    logits = network(crop[None])[0].detach().numpy()
    assert evidence.sum((1, 2)) + network.head.bias.detach().numpy() == pytest.approx(logits, abs=1e-5)


def test_smooth_grad_of_a_linear_answer_is_its_weights() -> None:
    import torch

    from models_zoo.classifier import explain

    weights = torch.zeros(3, 16, 16)
    weights[1, 4:8, 4:8] = 2.0
    weights[2, 10, 10] = -1.0

    class Linear(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            value = (x * weights).sum((1, 2, 3))
            return torch.stack([value, -value], 1)

    shown = explain.smooth_grad(Linear(), torch.rand(3, 16, 16), 0, samples=5)
    assert shown == pytest.approx(weights.abs().amax(0).numpy() / 2)


def test_share_inside_counts_heat_and_not_area() -> None:
    even = np.ones((10, 10), np.float32)
    left = np.array([(0, 0), (5, 0), (5, 10), (0, 10)])
    assert heat.share_inside(even, left) == pytest.approx(0.5)
    even[:, :5] *= 3
    assert heat.share_inside(even, left) == pytest.approx(0.75)
    assert heat.share_inside(np.zeros((10, 10)), left) is None
    laid = heat.over(np.full((10, 10, 3), 200, np.uint8), even / 3)
    assert laid[0, 0, 2] < laid[0, 9, 2] < 200


def test_judging_counts_what_was_taken_for_what() -> None:
    scores = np.eye(3)[[0, 0, 1, 1, 1]]
    report = judge_cells(np.array([0, 0, 0, 1, 1]), scores, ("a", "b", "c"))
    assert report.confusion == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert report.accuracy == pytest.approx(0.8)
    assert report.per_class["b"]["precision"] == pytest.approx(2 / 3)
    assert report.per_class["c"]["recall"] is None
    assert report.macro["recall"] == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.training
def test_as_a_second_stage_it_names_what_a_detector_found(
    trained: tuple[TrainRequest, TrainResult, list[Progress]], tmp_path: Path
) -> None:
    result = trained[1]
    fields = discs.draw(tmp_path / "test", 2, seed=7)
    found = {
        field.key: Detections(
            np.array(crops.boxes_of(field), np.float32),
            np.full((len(field.targets), 1), 0.5, np.float32),
            np.zeros((len(field.targets), 0), np.float32),
        )
        for field in fields
    }
    found[fields[1].key] = found[fields[1].key][np.zeros(0, np.intp)]
    detector = DetectRequest("unused", fields, str(tmp_path / "d.npz"), 96)
    for model in (result.weights, result.onnx):
        classifier = DetectRequest(model, (), "unused", 32, variant="classifier")
        named = two_stage.refine(detector, classifier, found)
        first = named[fields[0].key]
        assert first.labels.tolist() == [target.label for target in fields[0].targets]
        assert first.scores.sum(1) == pytest.approx(np.full(len(first), 0.5), abs=1e-3)
        assert named[fields[1].key].scores.shape == (0, 2)


def test_its_spec_is_plain_and_its_parameters_are_checked() -> None:
    assert registry.spec("classifier") is SPEC
    assert "classifier" not in registry.names()
    assert [spec.family for spec in registry.families("classifier")] == ["classifier"]
    with pytest.raises(ValueError, match="weights, focal, sampling, none"):
        SPEC.settle({"balance": "wishes"})


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet"])
def test_any_backbone_of_timm_gives_maps(backbone: str) -> None:
    import torch

    network = registry.build("classifier", 3, {"backbone": backbone})
    network.eval()
    with torch.no_grad():
        shown = torch.rand(1, 3, 224, 224)
        maps = network.maps(shown)
        assert maps.ndim == 4
        assert maps.shape[2] == maps.shape[3] > 4
        assert network(shown).shape == (1, 3)


def test_maps_with_the_channels_last_are_turned() -> None:
    import torch

    from models_zoo.classifier.model import CellClassifier

    class Windows(torch.nn.Module):
        output_fmt = "NHWC"

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.permute(0, 2, 3, 1)

    network = CellClassifier("test_resnet", 2, 0.0, 32)
    network.backbone = Windows()
    shown = torch.rand(1, 3, 8, 16)
    assert network._shaped(network.backbone(shown)).equal(shown)


def test_an_untouched_target_of_no_claim_is_not_learned(tmp_path: Path) -> None:
    field = discs.draw(tmp_path, 1)[0]
    unsure = replace(field, targets=(Target("circle", (20, 20, 9), -1), *field.targets))
    assert len(list(crops.labelled([unsure], 32, 1.25))) == len(field.targets)
