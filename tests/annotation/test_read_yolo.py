"""YOLO as it comes: layouts, names, contours, and planted faults by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotation.formats.records import ReadOptions
from tests.annotation.datasets import Taken, image, text

YAML = "path: ../datasets/cells\ntrain: images/train\nval: images/val\nnames: [WBC, RBC]\n"


@pytest.mark.parametrize(
    ("picture", "label", "split"),
    [
        ("images/train/a.jpg", "labels/train/a.txt", "training"),
        ("valid/images/a.jpg", "valid/labels/a.txt", "validation"),
        ("images/a.jpg", "labels/a.txt", None),
        ("a.JPG", "a.txt", None),
    ],
)
@pytest.mark.parametrize("names", ["[WBC, RBC]", "{0: WBC, 1: RBC}"])
def test_layouts(tmp_path: Path, picture: str, label: str, split: str | None, names: str) -> None:
    image(tmp_path / picture)
    text(tmp_path / label, "1 0.5 0.5 0.2 0.25\n\n0 0.1 0.1 0.4 0.1 0.4 0.5\n")
    text(tmp_path / "data.yaml", f"train: images/train\nval: ../valid/images\nnames: {names}\n")
    taken = Taken(tmp_path, "auto")
    assert [(item.index, item.label, item.shape.kind) for item in taken.objects] == [
        (1, "RBC", "box"),
        (3, "WBC", "contour"),
    ]
    assert taken.objects[0].shape.points == pytest.approx((40, 30, 60, 50))
    assert taken.objects[1].shape.points == pytest.approx((10, 8, 40, 8, 40, 40))
    assert taken.records[0].split == split
    assert taken.faults == []


BAD = {
    "four columns": ("0 0.5 0.5 0.1", "4 columns"),
    "six columns": ("0 0.5 0.5 0.1 0.1 0.9", "6 columns"),
    "odd contour": ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "8 columns"),
    "negative width": ("0 0.5 0.5 -0.1 0.1", "negative size"),
    "no width": ("0 0.5 0.5 0 0.1", "no area"),
    "out of the image": ("0 0.99 0.5 0.2 0.1", "outside the image"),
    "word": ("0 0.5 half 0.1 0.1", "y is not a number: 'half'"),
    "nan": ("0 nan 0.5 0.1 0.1", "x is not a finite number"),
    "unknown class": ("2 0.5 0.5 0.1 0.1", "unknown class 2: the data set names 2 classes"),
    "negative class": ("-1 0.5 0.5 0.1 0.1", "class -1"),
    "duplicate": ("0 0.2 0.2 0.1 0.1", "exact duplicate of object 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_good_lines_stay_and_the_bad_one_is_named(tmp_path: Path, name: str) -> None:
    bad, reason = BAD[name]
    text(tmp_path / "data.yaml", YAML)
    image(tmp_path / "images/train/a.jpg")
    text(tmp_path / "labels/train/a.txt", f"0 0.2 0.2 0.1 0.1\r\n{bad}\r\n1 0.6 0.6 0.1 0.1")
    taken = Taken(tmp_path, "yolo")
    assert [item.index for item in taken.objects] == [1, 3]
    assert [(file, index) for file, index, _ in taken.told] == [("labels/train/a.txt", 2)]
    assert reason in taken.told[0][2]
    assert taken.objects_in == 3


def test_empty_file_no_file_and_no_image(tmp_path: Path) -> None:
    text(tmp_path / "data.yaml", YAML)
    for stem in "ab":
        image(tmp_path / f"images/val/{stem}.jpg")
    text(tmp_path / "labels/val/a.txt", "")
    text(tmp_path / "labels/val/c.txt", "1 0.5 0.5 0.5 0.5\n")
    taken = Taken(tmp_path, "yolo")
    assert [(r.name, r.labelled, r.image is None, len(r.objects), r.split) for r in taken.records] == [
        ("a.jpg", True, False, 0, "validation"),
        ("c.txt", True, True, 1, "validation"),
        ("b.jpg", False, False, 0, "validation"),
    ]
    assert taken.told == [("images/val/b.jpg", None, "no label file: labels/val/b.txt")]
    assert taken.objects_in == 1


def test_names_from_a_list_of_classes_or_given_or_numbers(tmp_path: Path) -> None:
    image(tmp_path / "a.jpg")
    text(tmp_path / "a.txt", "0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.2 0.1\n")
    assert [item.label for item in Taken(tmp_path, "yolo").objects] == ["0", "1"]
    given = ReadOptions(class_names={"1": "blast"})
    assert [item.label for item in Taken(tmp_path, "yolo", given).objects] == ["0", "blast"]
    text(tmp_path / "classes.txt", "WBC\nRBC\n")
    assert [item.label for item in Taken(tmp_path, "yolo").objects] == ["WBC", "RBC"]


def test_splits_that_overlap_are_told(tmp_path: Path) -> None:
    for stem in "ab":
        image(tmp_path / f"images/{stem}.jpg")
        text(tmp_path / f"labels/{stem}.txt", "")
    text(tmp_path / "train.txt", "./images/a.jpg\n./images/b.jpg\n")
    text(tmp_path / "val.txt", "./images/b.jpg\n")
    text(tmp_path / "data.yaml", "train: train.txt\nval: val.txt\nnames: [WBC]\n")
    assert [(r.split, r.overlap) for r in Taken(tmp_path, "yolo").records] == [
        ("training", ()),
        (None, ("training", "validation")),
    ]


def test_broken_yaml_and_binary_labels_are_named(tmp_path: Path) -> None:
    image(tmp_path / "images/a.jpg")
    text(tmp_path / "labels/a.txt", b"\x00\x01")
    text(tmp_path / "data.yaml", "names: [WBC\n")
    taken = Taken(tmp_path, "yolo")
    assert [file for file, _, _ in taken.told] == ["data.yaml", "labels/a.txt"]
    assert [record.labelled for record in taken.records] == [False]
