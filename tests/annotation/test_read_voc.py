"""Pascal VOC as it comes: three layouts, files of other machines, and planted faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotation.shapes import Shape
from tests.annotation.datasets import Taken, image, text

GOOD = (
    "<object><name>WBC</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>30.5</xmax><ymax>60</ymax></bndbox></object>"
)


def voc(*objects: str, filename: str = "a.jpg", extra: str = "") -> str:
    return f"<annotation><filename>{filename}</filename>{extra}{''.join(objects)}</annotation>"


def boxed(xmin: object, ymin: object, xmax: object, ymax: object, name: str = "RBC") -> str:
    edges = f"<xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax>"
    return f"<object><name>{name}</name><bndbox>{edges}</bndbox></object>"


@pytest.mark.parametrize(
    ("picture", "label"),
    [
        ("JPEGImages/a.JPG", "Annotations/a.xml"),
        ("images/a.jpg", "annotations/a.XML"),
        ("a.jpg", "a.xml"),
        ("train/a.png", "train/a.xml"),
    ],
)
def test_layouts(tmp_path: Path, picture: str, label: str) -> None:
    image(tmp_path / picture)
    text(tmp_path / label, voc(GOOD))
    taken = Taken(tmp_path, "auto")
    assert [item.shape for item in taken.objects] == [Shape("box", (10, 20, 30.5, 60))]
    assert taken.records[0].image == (tmp_path / picture).resolve()
    assert taken.faults == []


BAD = {
    "out of the image": (boxed(90, 10, 140, 30), "outside the image"),
    "no width": (boxed(10, 10, 10, 30), "no area"),
    "negative width": (boxed(30, 10, 10, 30), "negative size"),
    "word": (boxed("ten", 10, 20, 30), "xmin is not a number: 'ten'"),
    "nan": (boxed(10, 10, "nan", 30), "xmax is not a finite number: nan"),
    "infinite": (boxed(10, 10, 20, "1e999"), "ymax is not a finite number"),
    "empty": (boxed(10, "", 20, 30), "ymin is missing"),
    "no bndbox": ("<object><name>RBC</name></object>", "no bndbox"),
    "no ymax": (
        "<object><name>RBC</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax></bndbox></object>",
        "ymax is missing",
    ),
    "no class": (boxed(1, 1, 9, 9, name=""), "no class name"),
    "duplicate": (GOOD, "exact duplicate of object 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_good_objects_stay_and_the_bad_one_is_named(tmp_path: Path, name: str) -> None:
    bad, reason = BAD[name]
    image(tmp_path / "a.jpg")
    text(tmp_path / "a.xml", voc(GOOD, bad, boxed(40, 40, 50, 50)))
    taken = Taken(tmp_path, "voc")
    assert [item.index for item in taken.objects] == [1, 3]
    assert [(file, index) for file, index, _ in taken.told] == [("a.xml", 2)]
    assert reason in taken.told[0][2]
    assert taken.objects_in == 3


def test_broken_files_are_named_and_the_others_read(tmp_path: Path) -> None:
    for stem in "abcd":
        image(tmp_path / f"{stem}.jpg")
    text(tmp_path / "a.xml", voc(GOOD))
    text(tmp_path / "b.xml", voc(GOOD, GOOD, filename="b.jpg")[:-40])
    text(tmp_path / "c.xml", "<!DOCTYPE x [<!ENTITY a 'aaa'>]>" + voc(GOOD, filename="c.jpg"))
    text(tmp_path / "d.xml", b"\x00\x01\x02 binary")
    taken = Taken(tmp_path, "voc")
    assert [item.label for item in taken.objects] == ["WBC"]
    assert [(f.file, f.index, f.lost_objects) for f in taken.faults] == [
        ("b.xml", None, 2),
        ("c.xml", None, 1),
        ("d.xml", None, 0),
    ]
    assert [record.labelled for record in taken.records] == [True, False, False, False]
    assert taken.objects_in == 4


def test_missing_image_keeps_objects_and_missing_label_file_is_told(tmp_path: Path) -> None:
    image(tmp_path / "JPEGImages/b.jpg")
    text(tmp_path / "Annotations/a.xml", voc(GOOD))
    taken = Taken(tmp_path, "voc")
    assert [(r.name, r.image is None, r.labelled, len(r.objects)) for r in taken.records] == [
        ("a.jpg", True, True, 1),
        ("b.jpg", False, False, 0),
    ]
    assert taken.told == [("JPEGImages/b.jpg", None, "no label file: b.xml")]
    assert taken.faults[0].lost_objects == 0


def test_files_of_another_machine(tmp_path: Path) -> None:
    image(tmp_path / "JPEGImages/Präparat 1.png")
    path = "<path>C:\\Users\\x\\Präparat 1.jpg</path>"
    content = '<?xml version="1.0" encoding="ISO-8859-1"?><a:annotation xmlns:a="urn:x">' + (
        f"<a:filename>C:\\x\\Präparat 1.jpg</a:filename>{path}<a:object><a:name>Zelle ä</a:name>"
        "<a:truncated>1</a:truncated><a:pose>Left</a:pose><a:bndbox>"
        "<a:xmin> 1 </a:xmin><a:ymin>2</a:ymin><a:xmax>3</a:xmax><a:ymax>4</a:ymax>"
        "</a:bndbox></a:object></a:annotation>"
    )
    text(tmp_path / "Annotations/1.xml", content.encode("latin-1"))
    text(tmp_path / "Annotations/2.xml", b"\xef\xbb\xbf" + voc(GOOD, filename="gone.jpg").encode())
    text(tmp_path / "Annotations/3.xml", voc(GOOD, filename="gone too.jpg").encode("utf-16"))
    taken = Taken(tmp_path, "voc")
    assert [record.image is not None for record in taken.records] == [True, False, False]
    assert taken.objects[0].label == "Zelle ä"
    assert taken.objects[0].attributes == {"truncated": True, "pose": "Left"}
    assert len(taken.objects) == 3
    assert taken.faults == []


def test_overlapping_lists_count_nothing_twice(tmp_path: Path) -> None:
    for stem in "abc":
        image(tmp_path / f"JPEGImages/{stem}.jpg")
        text(tmp_path / f"Annotations/{stem}.xml", voc(GOOD, filename=f"{stem}.jpg"))
    text(tmp_path / "ImageSets/Main/train.txt", "a\nc\n")
    text(tmp_path / "ImageSets/Main/val.txt", "b\r\n")
    text(tmp_path / "ImageSets/Main/trainval.txt", "a\nb\nc\n")
    text(tmp_path / "ImageSets/Main/test.txt", "c\n")
    taken = Taken(tmp_path, "voc")
    assert [(r.split, r.overlap) for r in taken.records] == [
        ("training", ()),
        ("validation", ()),
        (None, ("test", "training")),
    ]
    assert len(taken.objects) == 3


def test_two_images_of_one_name_are_told_apart_by_folder_or_not_at_all(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        image(tmp_path / split / "a.jpg")
        text(tmp_path / split / "a.xml", voc(GOOD))
    text(tmp_path / "other/a.xml", voc(GOOD))
    taken = Taken(tmp_path, "voc")
    assert [r.image and r.image.parent.name for r in taken.records] == [None, "train", "valid"]
    assert taken.told == [("other/a.xml", None, "2 images are called a.jpg: train/a.jpg, valid/a.jpg")]


def test_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    image(tmp_path / "outside/secret.jpg")
    (tmp_path / "set").mkdir()
    text(tmp_path / "set/a.xml", voc(GOOD, filename="../outside/secret.jpg"))
    (tmp_path / "set/b.jpg").symlink_to(tmp_path / "outside/secret.jpg")
    (tmp_path / "set/more").symlink_to(tmp_path / "outside")
    taken = Taken(tmp_path / "set", "voc")
    assert [record.image for record in taken.records] == [None]
    assert taken.told == [
        ("b.jpg", None, "is a link that leads out of the data set"),
        ("more", None, "is a link that leads out of the data set"),
    ]


def test_foreign_polygons_become_contours(tmp_path: Path) -> None:
    image(tmp_path / "a.jpg")
    corners = "".join(f"<x{i}>{x}</x{i}><y{i}>{y}</y{i}>" for i, (x, y) in enumerate([(1, 2), (9, 2), (5, 8)], 1))
    text(tmp_path / "a.xml", voc(f"<object><name>c</name><polygon>{corners}</polygon></object>"))
    assert Taken(tmp_path, "voc").objects[0].shape == Shape("contour", (1, 2, 9, 2, 5, 8))
