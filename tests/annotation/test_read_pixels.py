"""Points, masks, crops and plain images; and how formats are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from annotation.formats.outline import outline
from annotation.formats.records import FieldRecord, ReadOptions
from annotation.formats.registry import detect, read
from annotation.shapes import Shape
from tests.annotation.datasets import HEIGHT, WIDTH, Taken, image, mask, text

RADIUS = ReadOptions(radius_px=7.5)


def points(tmp_path: Path, content: str) -> Taken:
    image(tmp_path / "images/a.png")
    text(tmp_path / "points/a.txt", content)
    return Taken(tmp_path, "points", RADIUS)


def test_points_become_circles(tmp_path: Path) -> None:
    taken = points(tmp_path, "2 3 0\n40 23 1\n94.5 11 3\n")
    assert [(item.index, item.label, item.shape) for item in taken.objects] == [
        (2, "1", Shape("circle", (40, 23, 7.5))),
        (3, "3", Shape("circle", (94.5, 11, 7.5))),
    ]
    assert taken.faults == []
    assert detect(tmp_path) == "points"


HEADERS = {
    "none": ("40 23\n2 11\n", [(40, 23), (2, 11)]),
    "count alone": ("2\n40 23\n94 11\n", [(40, 23), (94, 11)]),
    "words": ("x,y\n40,23\n", [(40, 23)]),
    "count and columns": ("2 2\n40 23\n94 11\n", [(40, 23), (94, 11)]),
    "a point whose x happens to be the count": ("2 50 1\n40 23 1\n94 11 1\n", [(2, 50), (40, 23), (94, 11)]),
    "blank lines": ("\n2 3 0\n\n40 23 1\n\n94 11 1\n\n", [(40, 23), (94, 11)]),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_recognised_safely(tmp_path: Path, name: str) -> None:
    content, expected = HEADERS[name]
    taken = points(tmp_path, content)
    assert [item.shape.points[:2] for item in taken.objects] == expected
    assert taken.faults == []


def test_faults_of_points(tmp_path: Path) -> None:
    image(tmp_path / "images/b.png")
    text(tmp_path / "points/c.txt", "1 1\n")
    taken = points(tmp_path, "6 3 0\n40 23 1\n40 23 1\n200 10 1\n1 x 1\n1 2 3 4\nnan 2 1\n")
    assert [item.index for item in taken.objects] == [2, 1]
    assert [(file, index) for file, index, _ in taken.told] == [
        ("points/a.txt", 5),
        ("points/a.txt", 6),
        ("points/a.txt", 7),
        ("points/a.txt", 3),
        ("points/a.txt", 4),
        ("images/b.png", None),
    ]
    assert taken.objects_in == 8 - 1  # the header is no point
    assert [record.image is None for record in taken.records] == [False, True, False]


def test_header_with_a_wrong_count_is_told_and_no_cell(tmp_path: Path) -> None:
    taken = points(tmp_path, "3 3 0\n40 23 1\n94 11 3\n")
    assert len(taken.objects) == 2
    assert taken.told == [("points/a.txt", None, "the header counts 3 points, 2 follow")]
    assert taken.objects_in == 2


def test_what_must_be_told_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--radius-px"):
        read(tmp_path, "points")
    with pytest.raises(ValueError, match="--mask-kind instance or binary"):
        read(tmp_path, "masks")


def disc(radius: float, height: int = HEIGHT, width: int = WIDTH, at: tuple[float, float] = (40, 40)) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return np.asarray((x - at[0]) ** 2 + (y - at[1]) ** 2 <= radius**2)


@settings(max_examples=25, deadline=None)
@given(st.floats(3, 30), st.floats(1, 2), st.floats(35, 45), st.integers(0, 40))
def test_outlines_keep_area_and_place(radius: float, stretch: float, centre: float, left: int) -> None:
    y, x = np.mgrid[0:120, 0:80] + 0.5
    pixels = ((x - centre) / radius) ** 2 + ((y - centre) / radius / stretch) ** 2 <= 1
    points = outline(pixels, 0, left)
    polygon = Polygon(Shape("contour", points).vertices)
    rows, columns = np.nonzero(pixels)
    assert polygon.is_valid
    assert polygon.area == pytest.approx(pixels.sum(), rel=0.02)
    assert polygon.bounds == pytest.approx(
        (columns.min() + left, rows.min(), columns.max() + 1 + left, rows.max() + 1), abs=1.0
    )


def test_instances(tmp_path: Path) -> None:
    values = np.zeros((HEIGHT, WIDTH), dtype=np.uint16)
    values[disc(12, at=(30, 30))] = 300
    values[disc(12, at=(50, 30))] = 7
    values[5:8, 90:93] = 9
    values[70:75, 70:76] = 300
    image(tmp_path / "images/a.png")
    mask(tmp_path / "masks/a.png", values)
    taken = Taken(tmp_path, "masks", ReadOptions(mask_kind="instance"))
    assert [(item.index, item.label, item.shape.kind) for item in taken.objects] == [
        (7, "cell", "contour"),
        (300, "cell", "contour"),
    ]
    assert taken.told == [
        ("masks/a.png", 9, "a speck of 9 pixels"),
        ("masks/a.png", 300, "in 2 pieces: one of 30 pixels is left out"),
    ]
    assert taken.objects_in == 3
    assert detect(tmp_path) == "masks"


def test_binary_pieces(tmp_path: Path) -> None:
    values = (disc(12, at=(30, 30)) | disc(9, at=(70, 50))).astype(np.uint8)
    values[30, 30] = 0  # a hole is no border
    values[78, 98] = 1
    image(tmp_path / "images/a.jpg")
    image(tmp_path / "images/b.jpg")
    mask(tmp_path / "masks/a.png", values)
    text(tmp_path / "masks/c.png", "no picture")
    taken = Taken(tmp_path, "masks", ReadOptions(mask_kind="binary"))
    sizes = [disc(12, at=(30, 30)).sum(), disc(9, at=(70, 50)).sum()]
    assert [item.shape.area for item in taken.objects] == pytest.approx(sizes, rel=0.02)
    assert [(file, index) for file, index, _ in taken.told] == [
        ("masks/a.png", 3),
        ("masks/c.png", None),
        ("images/b.jpg", None),
    ]
    assert taken.objects_in == 3


@pytest.mark.parametrize("names", [None, '1 = "neutrophil"\n3 = "monocyte"\n'])
def test_nucleus_and_cytoplasm_with_a_table_of_classes(tmp_path: Path, names: str | None) -> None:
    values = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    values[disc(20)] = 128
    values[disc(9)] = 255
    for stem in ("001", "002"):
        image(tmp_path / f"images/{stem}.png")
        mask(tmp_path / f"masks/{stem}.png", values)
    text(tmp_path / "classes.csv", "image ID,class label\n1,3\n2,1\n")
    if names:
        text(tmp_path / "classes.toml", names)
    taken = Taken(tmp_path, "masks", ReadOptions(mask_kind="nucleus_cytoplasm"))
    assert [item.label for item in taken.objects] == (["monocyte", "neutrophil"] if names else ["3", "1"])
    assert [item.attributes for item in taken.objects] == [{"nucleus_px": int(disc(9).sum())}] * 2
    assert taken.objects[0].shape.area == pytest.approx(disc(20).sum(), rel=0.02)


def test_crops(tmp_path: Path) -> None:
    image(tmp_path / "set/monocyte/a.jpg")
    image(tmp_path / "set/blast cell/a.jpg", 60, 50)
    text(tmp_path / "set/monocyte/b.jpg", "no picture")
    image(tmp_path / "set/c.jpg")
    taken = Taken(tmp_path / "set", "crops")
    assert [(item.label, item.shape.points) for item in taken.objects] == [
        ("blast cell", (0, 0, 60, 50)),
        ("monocyte", (0, 0, WIDTH, HEIGHT)),
    ]
    assert taken.told == [
        ("c.jpg", None, "lies in no folder that names its class"),
        ("monocyte/b.jpg", None, "is not an image"),
    ]
    assert taken.objects_in == 3


def test_formats_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Nothing to import was found .* Looked for: COCO"):
        detect(tmp_path)
    with pytest.raises(ValueError, match="There is no folder"):
        detect(tmp_path / "gone")
    with pytest.raises(ValueError, match="There is no format 'tfrecord'"):
        read(tmp_path, "tfrecord")
    image(tmp_path / "case 1/a.jpg")
    image(tmp_path / "case 2/a.jpg")
    assert detect(tmp_path) == "images"
    image(tmp_path / "crops/blast/a.jpg")
    image(tmp_path / "crops/monocyte/a.jpg")
    assert detect(tmp_path / "crops") == "crops"
    image(tmp_path / "crops/large/a.jpg", 1024, 768)
    assert detect(tmp_path / "crops") == "images"


def test_plain_images(tmp_path: Path) -> None:
    image(tmp_path / "x/a.tif")
    text(tmp_path / "x/slide.svs", "not read here, but not passed over")
    text(tmp_path / ".hidden.jpg", "")
    records = [item for item in read(tmp_path, "images") if isinstance(item, FieldRecord)]
    assert [(record.name, record.labelled) for record in records] == [("a.tif", False), ("slide.svs", False)]
