"""COCO as it comes: several files, shapes of all kinds, and planted faults by index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.formats.records import ReadOptions
from annotation.shapes import Shape
from tests.annotation.datasets import Taken, image, text

SQUARE = [10, 10, 30, 10, 30, 30, 10, 30]


def note(**values: Any) -> dict[str, Any]:
    return {"image_id": 1, "category_id": 1, "bbox": [10, 20, 20, 40], **values}


def coco(*notes: Any, images: list[dict[str, Any]] | None = None) -> str:
    listed = images if images is not None else [{"id": 1, "file_name": "a.jpg"}]
    return json.dumps({"annotations": list(notes), "categories": [{"id": 1, "name": "WBC"}], "images": listed})


@pytest.mark.parametrize(
    ("picture", "label", "split"),
    [
        ("images/a.jpg", "annotations/instances_default.json", None),
        ("train2017/a.JPG", "annotations/instances_train2017.json", "training"),
        ("valid/a.jpg", "valid/_annotations.coco.json", "validation"),
        ("a.jpg", "labels.json", None),
    ],
)
def test_layouts(tmp_path: Path, picture: str, label: str, split: str | None) -> None:
    image(tmp_path / picture)
    text(tmp_path / label, coco(note()))
    taken = Taken(tmp_path, "auto")
    assert [(item.shape, item.label) for item in taken.objects] == [(Shape("box", (10, 20, 30, 60)), "WBC")]
    assert taken.records[0].image == (tmp_path / picture).resolve()
    assert taken.records[0].split == split
    assert taken.faults == []


CIRCLE = Shape("circle", (20, 40, 10.5))
SHAPES = {
    "box": (note(), Shape("box", (10, 20, 30, 60))),
    "text numbers": (note(bbox=["10", "20", "20", "40"]), Shape("box", (10, 20, 30, 60))),
    "empty segmentation": (note(segmentation=[]), Shape("box", (10, 20, 30, 60))),
    "polygon": (note(segmentation=[SQUARE], bbox=None), Shape("contour", tuple(SQUARE))),
    "own circle": (
        note(shape="circle", circle=[20, 40, 10.5], bbox=[9.5, 29.5, 21, 21]),
        Shape("circle", (20, 40, 10.5)),
    ),
    "circle that was moved": (note(shape="circle", circle=[20, 40, 10.5]), Shape("box", (10, 20, 30, 60))),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(tmp_path: Path, name: str) -> None:
    item, shape = SHAPES[name]
    image(tmp_path / "a.jpg")
    text(tmp_path / "a.json", coco(item))
    taken = Taken(tmp_path, "coco")
    assert [item.shape for item in taken.objects] == [shape]
    assert taken.faults == []


def test_pieces_and_masks(tmp_path: Path) -> None:
    image(tmp_path / "a.jpg")
    touching, apart = [30, 10, 40, 10, 40, 30, 30, 30], [50, 50, 60, 50, 60, 60]
    rle = {"counts": [1, 2], "size": [80, 100]}
    text(
        tmp_path / "a.json",
        coco(
            note(segmentation=[SQUARE, touching]),
            note(segmentation=[SQUARE, apart]),
            note(segmentation=rle, iscrowd=1),
            note(segmentation=rle, bbox=[1, 1, 5, 5]),
        ),
    )
    taken = Taken(tmp_path, "coco")
    joined, pieces, crowd, mask = taken.objects
    assert (joined.shape.kind, joined.shape.area, joined.shape.bounds) == ("contour", 600, (10, 10, 40, 30))
    assert pieces.shape == Shape("box", (10, 10, 60, 60))
    assert pieces.attributes == {"segmentation": [SQUARE, apart]}
    assert (crowd.shape.kind, crowd.attributes) == ("box", {"iscrowd": True})
    assert mask.shape.kind == "box"
    assert [(index, fault.lost_objects) for (_, index, _), fault in zip(taken.told, taken.faults, strict=True)] == [
        (2, 0),
        (4, 0),
    ]


BAD = {
    "out of the image": (note(bbox=[90, 10, 30, 10]), "outside the image"),
    "no width": (note(bbox=[10, 10, 0, 10]), "no area"),
    "negative width": (note(bbox=[10, 10, -5, 10]), "negative size"),
    "three numbers": (note(bbox=[10, 10, 5]), "bbox has not 4 numbers"),
    "no bbox": ({"image_id": 1, "category_id": 1}, "no bbox"),
    "null": (note(bbox=[10, None, 5, 5]), "y of bbox is missing"),
    "word": (note(bbox=[10, "b", 5, 5]), "y of bbox is not a number"),
    "yes": (note(bbox=[10, True, 5, 5]), "y of bbox is not a number"),
    "nan": (note(bbox=[10, float("nan"), 5, 5]), "y of bbox is missing"),
    "odd polygon": (note(segmentation=[[1, 2, 3, 4, 5, 6, 7]]), "at least 3 points"),
    "unknown class": (note(category_id=9), "unknown class: category_id 9"),
    "list as class": (note(category_id=[1]), "unknown class"),
    "unknown image": (note(image_id=5), "image_id 5 is not in the list of images"),
    "no image": ({"category_id": 1, "bbox": [1, 1, 5, 5]}, "image_id None"),
    "no object": ("what?", "image_id None"),
    "duplicate": (note(), "exact duplicate of object 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_good_objects_stay_and_the_bad_one_is_named(tmp_path: Path, name: str) -> None:
    bad, reason = BAD[name]
    image(tmp_path / "a.jpg")
    text(tmp_path / "set/a.json", coco(note(), bad, note(bbox=[1, 2, 3, 4])))
    taken = Taken(tmp_path, "coco")
    assert [item.index for item in taken.objects] == [1, 3]
    assert [(file, index) for file, index, _ in taken.told] == [("set/a.json", 2)]
    assert reason in taken.told[0][2]
    assert taken.objects_in == 3


def test_objects_of_an_image_are_gathered_however_they_are_mixed(tmp_path: Path) -> None:
    for stem in "abc":
        image(tmp_path / f"{stem}.jpg")
    images = [{"id": stem, "file_name": f"{stem}.jpg"} for stem in "abc"]
    notes = [note(image_id="ab"[i % 2], bbox=[i, i, 5, 5]) for i in range(6)]
    text(tmp_path / "a.json", coco(*notes, images=images))
    taken = Taken(tmp_path, "coco")
    assert [[item.index for item in record.objects] for record in taken.records] == [[1, 3, 5], [2, 4, 6], []]
    assert all(record.labelled for record in taken.records)


def test_broken_file_paths_that_lead_out_and_missing_images(tmp_path: Path) -> None:
    image(tmp_path / "secret.jpg")
    root = tmp_path / "set"
    image(root / "images/a.jpg")
    image(root / "images/d.jpg")
    text(root / "broken.json", coco(note(), note())[:-60].replace("a.jpg", "x.jpg"))
    names = ["../secret.jpg", "C:\\data\\a.jpg", "gone.jpg"]
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    text(root / "good.json", coco(*(note(image_id=i) for i in (0, 0, 1, 2)), images=images))
    text(root / "other.json", '{"version": 1}')
    taken = Taken(root, "coco")
    assert [(r.name, r.image is not None, r.labelled, len(r.objects)) for r in taken.records] == [
        ("a.jpg", True, True, 1),
        ("gone.jpg", False, True, 1),
        ("d.jpg", True, False, 0),
    ]
    assert [(f.file, f.index, f.lost_objects) for f in taken.faults] == [
        ("broken.json", None, 2),
        ("good.json", None, 2),
        ("images/d.jpg", None, 0),
    ]
    assert taken.objects_in == 6


def test_a_file_without_annotations_leaves_its_images_unlabelled(tmp_path: Path) -> None:
    image(tmp_path / "a.jpg")
    text(tmp_path / "image_info_test.json", '{"images": [{"id": 1, "file_name": "a.jpg"}], "categories": []}')
    taken = Taken(tmp_path, "coco")
    assert [(record.labelled, record.split) for record in taken.records] == [(False, "test")]


def test_one_json_file_can_be_named_itself(tmp_path: Path) -> None:
    image(tmp_path / "images/a.jpg")
    file = text(tmp_path / "a.json", b"\xef\xbb\xbf" + coco(note()).encode())
    text(tmp_path / "b.json", coco(note()))
    assert len(Taken(file, "auto", ReadOptions()).objects) == 1
