from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from models_zoo.paint import GREY
from models_zoo.records import FieldRecord, Target, TrainRequest
from models_zoo.yolo.prepare import write_dataset
from models_zoo.yolo.settings import DISTIL_STEPS, distil_weight


def request(tmp_path: Path, *fields: FieldRecord, validation: tuple[FieldRecord, ...] = ()) -> TrainRequest:
    return TrainRequest("yolo26n", ("a", "it's: b"), fields, validation, str(tmp_path), 128, 1, 4, 0, shrink=0.8)


def field(
    tmp_path: Path, width: int, height: int, *targets: Target, scale: float = 1.0, name: str = "f"
) -> FieldRecord:
    pixels = np.random.default_rng(0).integers(0, 100, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    return FieldRecord(name, str(tmp_path / f"{name}.png"), width, height, scale, targets=targets)


def labels(folder: Path, split: str = "train") -> list[np.ndarray]:
    files = sorted((folder / "labels" / split).glob("*.txt"))
    return [np.array([line.split() for line in file.read_text().splitlines()], float).reshape(-1, 5) for file in files]


def test_a_circle_is_shrunk_and_a_box_is_not(tmp_path: Path) -> None:
    circle, box = Target("circle", (100.0, 60.0, 20.0), 0), Target("box", (10.0, 20.0, 50.0, 80.0), 1)
    info = write_dataset(request(tmp_path, field(tmp_path, 200, 160, circle, box, scale=0.5)), tmp_path / "set")
    (found,) = labels(tmp_path / "set")
    assert found == pytest.approx(
        np.array([[0, 50 / 128, 30 / 128, 16 / 128, 16 / 128], [1, 15 / 128, 25 / 128, 20 / 128, 30 / 128]])
    )
    assert (info.training, info.validation, info.background, info.blanked) == (1, 0, 0, 0)
    assert info.boxes == {"a": 1, "it's: b": 1}
    assert yaml.safe_load(info.yaml.read_text())["names"] == {"0": "a", "1": "it's: b"}


def test_tiles_hold_the_very_pixels_of_the_field_and_grey_beyond_it(tmp_path: Path) -> None:
    record = field(tmp_path, 150, 90, Target("circle", (15.0, 20.0, 10.0), 0))
    info = write_dataset(request(tmp_path, record), tmp_path / "set")
    first, second = sorted((tmp_path / "set/images/train").glob("*.png"))
    original = np.asarray(Image.open(record.path))
    seen = cv2.cvtColor(cv2.imread(str(second)), cv2.COLOR_BGR2RGB)
    assert seen.shape == (128, 128, 3)
    assert np.array_equal(seen[:90], original[:, 22:])
    assert (seen[90:] == GREY).all()
    assert [len(tile) for tile in labels(tmp_path / "set")] == [1, 0]
    assert info.background == 1
    assert first.stem.endswith("_0000")


def test_an_unsure_place_is_blanked_except_where_another_cell_lies(tmp_path: Path) -> None:
    unsure = [
        Target("circle", (30.0, 30.0, 20.0), -1),
        Target("box", (70.0, 70.0, 100.0, 90.0), -1),
        Target("contour", (60.0, 10.0, 90.0, 10.0, 90.0, 40.0), -1),
    ]
    sure = Target("box", (40.0, 20.0, 60.0, 40.0), 0)
    info = write_dataset(request(tmp_path, field(tmp_path, 128, 128, *unsure, sure)), tmp_path / "set")
    pixels = cv2.imread(str(next((tmp_path / "set/images/train").glob("*.png"))))
    grey = np.all(pixels == GREY, axis=2)
    assert info.blanked == 3
    assert len(labels(tmp_path / "set")[0]) == 1
    assert not grey[20:40, 40:60].any()
    assert grey[25:35, 15:40].all()
    assert grey[71:89, 71:99].all()
    assert grey[15, 70:85].all()
    assert not grey[35, 60:80].any()
    # All of the disc that no cell claims, and of each shape at most a pixel more along its border.
    distance = np.hypot(*np.meshgrid(np.arange(128) + 0.5 - 30, np.arange(128) + 0.5 - 30))
    disc = distance <= 20
    disc[20:40, 40:60] = False
    assert grey[disc].all()
    assert not grey[:60, :40][distance[:60, :40] > 21].any()
    assert grey.sum() <= disc.sum() + 600 + 450 + 20 * np.pi * 2 + 100 + 103


def test_validation_falls_back_to_the_training_tiles_in_the_yaml_alone(tmp_path: Path) -> None:
    record = field(tmp_path, 128, 128, Target("circle", (50.0, 50.0, 10.0), 0))
    alone = write_dataset(request(tmp_path, record), tmp_path / "set")
    assert (alone.validation, yaml.safe_load(alone.yaml.read_text())["val"]) == (0, "images/train")
    both = write_dataset(request(tmp_path, record, validation=(record,)), tmp_path / "set")
    assert (both.validation, yaml.safe_load(both.yaml.read_text())["val"]) == (1, "images/val")
    assert len(labels(tmp_path / "set", "val")[0]) == 1


def test_what_cannot_be_trained_is_refused_in_words(tmp_path: Path) -> None:
    good = field(tmp_path, 128, 128, Target("circle", (50.0, 50.0, 10.0), 0))
    cases = [
        (request(tmp_path), "at least one class and one field"),
        (replace(request(tmp_path, good), tile=100), "multiple of 32"),
        (request(tmp_path, replace(good, width=127)), "is 128 x 128 pixels"),
        (request(tmp_path, replace(good, targets=(Target("circle", (5.0, 5.0, 4.0), 2),))), "label 2"),
        (request(tmp_path, replace(good, targets=())), "no labelled cell"),
    ]
    for wrong, words in cases:
        with pytest.raises(ValueError, match=words):
            write_dataset(wrong, tmp_path / "set")


def test_short_trainings_are_distilled_with_less_weight() -> None:
    assert distil_weight(6.0, 80) == pytest.approx(6.0 * 80 / DISTIL_STEPS)
    assert distil_weight(6.0, 10 * DISTIL_STEPS) == 6.0
