"""What every family promises, asked of each one's smallest network: one suite over the whole shelf."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import models_zoo
from models_zoo import machine, metrics
from models_zoo.detections import Detections
from models_zoo.records import Cancelled, DetectRequest, FieldRecord, Progress, Target, TrainRequest, TrainResult
from models_zoo.shapes import training_box
from models_zoo.spec import Spec
from models_zoo.training.network import CellNetwork, Targets, to_input
from models_zoo.training.pictures import bounds, outline_of
from tests.models_zoo import discs

pytestmark = pytest.mark.training

FAMILIES = [spec.family for spec in models_zoo.families()]
# Variants of a family that are built of other parts than its tiny one.
OTHERS = {"mask_rcnn": ("mask_rcnn-circular-tiny", {}), "faster_rcnn": ("faster_rcnn-tiny", {"loss": "ranking"})}
SIDE = 128


def spec_of(family: str) -> Spec:
    return next(spec for spec in models_zoo.families() if spec.family == family)


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> tuple[FieldRecord, ...]:
    return discs.draw(tmp_path_factory.mktemp("fields"), 4, side=SIDE, seed=2, discs=5)


def request_of(family: str, fields: tuple[FieldRecord, ...], out: Path, epochs: int) -> TrainRequest:
    """The tiny preset on these fields, without augmentation: what is asked is whether they can be learned by heart."""
    spec = spec_of(family)
    parameters = dict(spec.tiny.parameters)
    if any(one.name == "augmentation" for one in spec.parameters):
        parameters["augmentation"] = "none"
    return TrainRequest(
        spec.tiny.variant,
        discs.CLASSES,
        fields,
        (),
        str(out),
        tile=spec.tiny.tile,
        epochs=epochs,
        batch=spec.tiny.batch,
        seed=3,
        threads=1,
        parameters=parameters,
    )


def look(
    request: TrainRequest, weights: str, fields: tuple[FieldRecord, ...], out: Path, device: str = "cpu"
) -> dict[str, Detections]:
    asked = DetectRequest(
        weights, fields, str(out), request.tile, device=device, threads=1, features=True, variant=request.variant
    )
    found: dict[str, Detections] = models_zoo.call("detect", asked)
    return found


@dataclass
class Trained:
    request: TrainRequest
    result: TrainResult
    found: dict[str, Detections]


@pytest.fixture(scope="module", params=FAMILIES)
def trained(
    request: pytest.FixtureRequest, fields: tuple[FieldRecord, ...], tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """The tiny network of a family after it was shown four pictures for some hundred steps."""
    out = tmp_path_factory.mktemp("trained")
    spec = spec_of(request.param)
    # Each field thrice an epoch: the same steps, and a third of the checkpoints.
    asked = request_of(request.param, fields * 3, out / "model", max(1, spec.tiny.epochs // 3))
    if spec.family == "yolo":
        asked = dataclasses.replace(asked, epochs=40)
    result = models_zoo.call("train", asked)
    return Trained(asked, result, look(asked, result.weights, fields, out / "found.npz"))


def batch(fields: tuple[FieldRecord, ...]) -> tuple[torch.Tensor, list[Targets]]:
    pixels = np.stack([np.asarray(Image.open(field.path).convert("RGB")) for field in fields])
    targets = []
    for field in fields:
        outlines = tuple(outline_of(target, 1.0, 1.0) for target in field.targets)
        labels = np.array([target.label for target in field.targets], np.int64)
        targets.append(Targets(bounds(outlines), bounds(outlines), labels, outlines))
    return to_input(pixels, torch.zeros(())), targets


def built(family: str, classes: int, *, other: bool = False) -> CellNetwork:
    torch.manual_seed(0)
    tiny = spec_of(family).tiny
    variant, more = OTHERS[family] if other else (tiny.variant, {})
    network: CellNetwork = models_zoo.build(variant, classes, {**tiny.parameters, **more})
    return network


CASES = [(family, False) for family in FAMILIES] + [(family, True) for family in OTHERS]


@pytest.mark.parametrize(("family", "other"), CASES)
@pytest.mark.parametrize("classes", [1, 7])
def test_it_builds_for_so_many_classes_and_answers_for_each(
    family: str, other: bool, classes: int, fields: tuple[FieldRecord, ...]
) -> None:
    network = built(family, classes, other=other).eval()
    pictures, _ = batch(fields[:1])
    from models_zoo.training.network import Limits

    with torch.inference_mode():
        (found,) = network.candidates(pictures, Limits(0.0, 0.6, 1000, True, {}))
    assert network.classes == classes
    assert found.scores.shape == (len(found.boxes), classes)
    assert len(found.features) == len(found.boxes)


@pytest.mark.parametrize(("family", "other"), CASES)
def test_one_step_lowers_the_loss(family: str, other: bool, fields: tuple[FieldRecord, ...]) -> None:
    """A small step against the gradient, on the very pictures it comes from and with the same draws inside the loss.

    The ranking loss has no gradient but an update; it is asked to fall all the same.
    """
    network = built(family, 2, other=other).train()
    pictures, targets = batch(fields)
    rest = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for layer in rest:
        layer.momentum = 0.0

    def loss() -> torch.Tensor:
        torch.manual_seed(1)
        return torch.stack([value.sum() for value in network.losses(pictures, targets).values()]).sum()

    before = loss()
    before.backward()  # type: ignore[no-untyped-call]
    moved = [one for one in network.parameters() if one.grad is not None]
    length = torch.sqrt(sum((one.grad**2).sum() for one in moved))  # type: ignore[operator,misc,arg-type]
    with torch.no_grad():
        for one in moved:
            one.sub_(0.02 * one.grad / length)  # type: ignore[operator]
        after = loss()
    assert torch.isfinite(before)
    assert after < before


def test_four_pictures_are_learned_by_heart(trained: Trained, fields: tuple[FieldRecord, ...]) -> None:
    truths = {
        field.key: metrics.Truth(
            np.array([training_box(target, 1.0) for target in field.targets]),
            np.array([target.label for target in field.targets]),
        )
        for field in fields
    }
    report = metrics.evaluate(truths, trained.found, discs.CLASSES)
    assert report.ap50 is not None
    assert report.ap50 > 0.8
    assert trained.result.tiles == 12


def test_shapes_and_probabilities_are_valid(trained: Trained) -> None:
    for found in trained.found.values():
        assert found.boxes.shape == (len(found), 4)
        assert found.scores.shape == (len(found), 2)
        assert found.features.shape[0] == len(found)
        assert found.features.shape[1] > 0
        assert np.isfinite(found.boxes).all()
        assert np.isfinite(found.features).all()
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
        centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        assert ((centres >= 0) & (centres <= SIDE)).all()
        assert (np.diff(found.top) <= 0).all()


def same(one: dict[str, Detections], other: dict[str, Detections], exact: bool) -> None:
    for key, item in one.items():
        assert len(item) == len(other[key])
        for name in ("boxes", "scores", "features"):
            mine, theirs = getattr(item, name), getattr(other[key], name)
            np.testing.assert_allclose(mine, theirs, **({"rtol": 0, "atol": 0} if exact else {"atol": 0.05}))


def test_what_is_saved_and_loaded_gives_the_same(
    trained: Trained, fields: tuple[FieldRecord, ...], tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere.pt"
    moved.write_bytes(Path(trained.result.weights).read_bytes())
    same(trained.found, look(trained.request, str(moved), fields, tmp_path / "found.npz"), exact=True)


@pytest.mark.skipif(not machine.gpus(), reason="this machine has no GPU")
def test_cpu_and_gpu_agree(trained: Trained, fields: tuple[FieldRecord, ...], tmp_path: Path) -> None:
    """In half precision: every sure cell of one side is a cell of the other, at its place and of its class."""
    there = look(trained.request, trained.result.weights, fields, tmp_path / "found.npz", device="0")
    for key, item in trained.found.items():
        for mine, theirs in ((item, there[key]), (there[key], item)):
            sure = mine[mine.top > 0.5]
            from models_zoo.nms import iou_matrix

            overlap = iou_matrix(sure.boxes, theirs.boxes)
            overlap[sure.labels[:, None] != theirs.labels] = 0
            assert (overlap.max(1, initial=0) > 0.8).all()
            np.testing.assert_allclose(sure.top, theirs.top[overlap.argmax(1)], atol=0.05)


def weights_of(result: TrainResult, request: TrainRequest) -> list[np.ndarray]:
    if spec_of_variant(request.variant).family == "yolo":
        from models_zoo.yolo.export import load

        return [value.numpy() for value in load(Path(result.weights)).state_dict().values()]
    from models_zoo.training import keeping

    return [value.numpy() for value in keeping.read(Path(result.weights))["network"].values()]


def spec_of_variant(variant: str) -> Spec:
    return models_zoo.spec(variant)


def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def stop_after(epoch: int, heard: list[Progress]) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        heard.append(progress)
        if progress.epoch == epoch:
            raise Cancelled

    return report


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_and_a_break_changes_nothing(
    family: str, fields: tuple[FieldRecord, ...], tmp_path: Path
) -> None:
    """Two epochs in one go, two epochs with a break between them, and two of another seed, all with augmentation.

    An unbroken and a resumed training of YOLO differ in their last bits (models_zoo/yolo/train.py), no others do.
    """
    spec = spec_of(family)
    asked = dataclasses.replace(
        request_of(family, fields, tmp_path / "one", 2), parameters=dict(spec.tiny.parameters), validation=fields[:1]
    )
    heard: list[Progress] = []
    first = models_zoo.call("train", asked, report=heard.append)
    assert [item.epoch for item in heard] == [1, 2]
    broken = dataclasses.replace(asked, out=str(tmp_path / "two"))
    with pytest.raises(Cancelled):
        models_zoo.call("train", broken, report=stop_after(1, heard))
    resumed = dataclasses.replace(asked, out=str(tmp_path / "three"), resume_from=str(tmp_path / "two" / "resume.pt"))
    second = models_zoo.call("train", resumed, report=heard.append)
    assert [item.epoch for item in heard] == [1, 2, 1, 2]
    assert second.epochs == 2
    assert (tmp_path / "three" / "weights.pt").is_file()
    if family == "yolo":
        again = models_zoo.call("train", dataclasses.replace(asked, out=str(tmp_path / "again")))
    else:
        again = second
    assert equal(weights_of(first, asked), weights_of(again, asked))
    other = models_zoo.call("train", dataclasses.replace(asked, out=str(tmp_path / "four"), seed=4, epochs=1))
    assert not equal(weights_of(first, asked), weights_of(other, asked))


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, FieldRecord]:
    """Pictures as they come: empty, torn, tiny, grey, and with 16 bits a pixel."""
    chance = np.random.default_rng(0)
    grey = chance.integers(0, 255, (SIDE, SIDE), np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(np.zeros((3, 2, 3), np.uint8)).save(tmp_path / "tiny.png")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "torn.png").write_bytes((tmp_path / "grey.png").read_bytes()[:200])
    sizes = {"tiny": (2, 3)}
    return {
        name: FieldRecord(name, str(tmp_path / f"{name}.png"), *sizes.get(name, (SIDE, SIDE)), 1.0)
        for name in ("grey", "deep", "tiny", "empty", "torn")
    }


def test_odd_pictures_are_looked_at_or_refused_in_words(
    trained: Trained, odd: dict[str, FieldRecord], tmp_path: Path
) -> None:
    """Grey ones are shown as colours and those of 16 bits as 8, so both are the same picture here."""
    seen = look(
        trained.request, trained.result.weights, (odd["grey"], odd["deep"], odd["tiny"]), tmp_path / "found.npz"
    )
    same({"one": seen["grey"]}, {"one": seen["deep"]}, exact=True)
    assert len(seen["tiny"]) <= 2
    for name in ("empty", "torn"):
        with pytest.raises(ValueError, match=r"\.png cannot be read as a picture"):
            look(trained.request, trained.result.weights, (odd[name],), tmp_path / "none.npz")
    wrong = dataclasses.replace(odd["grey"], width=100)
    with pytest.raises(ValueError, match="is 128 x 128 pixels, but the field is recorded as 100 x 128"):
        look(trained.request, trained.result.weights, (wrong,), tmp_path / "none.npz")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_cannot_be_trained_is_refused_in_words(
    family: str, fields: tuple[FieldRecord, ...], odd: dict[str, FieldRecord], tmp_path: Path
) -> None:
    good = request_of(family, fields, tmp_path / "out", 1)
    circle = Target("circle", (40.0, 40.0, 12.0), 0)
    cases = [
        (dataclasses.replace(good, training=()), "at least one class and one field"),
        (dataclasses.replace(good, training=(odd["grey"],)), "no labelled cell"),
        (dataclasses.replace(good, training=(dataclasses.replace(odd["empty"], targets=(circle,)),)), "cannot be read"),
        (dataclasses.replace(good, tile=100), "multiple of 32"),
        (dataclasses.replace(good, parameters={"colour": 1.0}), "no parameter 'colour'"),
    ]
    for wrong, words in cases:
        with pytest.raises(ValueError, match=words):
            models_zoo.call("train", wrong)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_says_what_it_is(family: str) -> None:
    spec = spec_of(family)
    folder = Path(models_zoo.__file__).parent / family
    assert {"spec.py", "model.py", "README.md"} <= {path.name for path in folder.iterdir()}
    assert "fields per second" in (folder / "README.md").read_text()
    assert spec.tiny.variant in spec.variants
    assert spec.tiny.tile == SIDE
    spec.settle(spec.tiny.parameters)
    for one in spec.parameters:
        assert not one.fault(one.default), one.name
