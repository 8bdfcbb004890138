"""COCO and VOC out, and back again without loss."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tracemalloc
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.mask import area

from annotation.formats.records import ExportField, ExportObject, FieldRecord
from annotation.formats.write_coco import write_coco
from annotation.formats.write_voc import whole_box, write_voc
from annotation.formats.written import Written, manifest
from annotation.shapes import Shape
from tests.annotation.datasets import Taken, image

WIDTH, HEIGHT = 640, 480
CLASSES = {1: "myelocyte", 4: 'odd <&> "quoted" ä 髄', 7: "never used"}

numbers = st.floats(min_value=0.0, max_value=400.0, allow_nan=False)
sizes = st.floats(min_value=1e-3, max_value=80.0)
words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=8)


@st.composite
def boxes(draw: st.DrawFn) -> Shape:
    x, y = draw(numbers), draw(numbers)
    return Shape("box", (x, y, x + draw(sizes), y + draw(sizes)))


@st.composite
def circles(draw: st.DrawFn) -> Shape:
    return Shape("circle", (draw(numbers), draw(numbers), draw(sizes)))


@st.composite
def contours(draw: st.DrawFn) -> Shape:
    x, y, more = draw(numbers), draw(numbers), draw(st.lists(numbers, min_size=2, max_size=6))
    corners = [x, y, x + draw(sizes), y, x, y + draw(sizes)]
    return Shape("contour", tuple(corners + more[: len(more) // 2 * 2]))


objects = st.builds(
    ExportObject,
    class_number=st.sampled_from([1, 4]),
    class_name=st.just(""),
    shape=st.one_of(boxes(), circles(), contours()),
    uuid=st.uuids().map(str),
    attributes=st.dictionaries(
        words, st.one_of(st.booleans(), st.integers(-9, 9), words, st.lists(numbers)), max_size=2
    )
    | st.just({"difficult": True, "truncated": False, "iscrowd": True, "pose": "Left & <right>"}),
)
fields = st.builds(
    ExportField,
    name=st.just(""),
    width=st.just(WIDTH),
    height=st.just(HEIGHT),
    objects=st.lists(objects, max_size=4).map(tuple),
    case=st.none() | st.just("C001"),
    slide=st.none() | st.just("S<1>&"),
    split=st.none() | st.sampled_from(["training", "validation", "tuning", "test"]),
    um_per_px=st.none() | st.floats(0.05, 2.0),
    exhaustive=st.none() | st.booleans(),
)


def named(drawn: list[ExportField]) -> list[ExportField]:
    """The fields with file names, and objects with the names of their classes."""
    return [
        ExportField(
            f"C001-F{i:05} & ä.png",
            field.width,
            field.height,
            tuple(
                ExportObject(o.class_number, CLASSES[o.class_number], o.shape, o.uuid, o.attributes)
                for o in field.objects
            ),
            field.case,
            field.slide,
            field.split,
            field.um_per_px,
            field.exhaustive,
        )
        for i, field in enumerate(drawn)
    ]


def write(fmt: str, archive: zipfile.ZipFile, out: list[ExportField], *, images: bool = False) -> Written:
    if fmt == "coco":
        return write_coco(archive, out, CLASSES, images=images)
    return write_voc(archive, out, images=images)


@contextlib.contextmanager
def unpacked(fmt: str, out: list[ExportField]) -> Iterator[tuple[Path, Written]]:
    with TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(), "w") as archive:
        written = write(fmt, archive, out)
        archive.extractall(folder)
        yield Path(folder), written


@pytest.mark.parametrize("fmt", ["coco", "voc"])
@settings(max_examples=25, deadline=None)
@given(drawn=st.lists(fields, max_size=3))
def test_round_trip_keeps_everything(fmt: str, drawn: list[ExportField]) -> None:
    out = named(drawn)
    with unpacked(fmt, out) as (folder, written):
        taken = Taken(folder, fmt)
    back = {record.name: record for record in taken.records}
    assert set(back) == {field.name for field in out}
    assert [fault for record in taken.records for fault in record.faults] == []
    for field in out:
        record = back[field.name]
        assert record.labelled
        assert (record.case, record.slide, record.split) == (field.case, field.slide, field.split)
        assert (record.um_per_px, record.exhaustive) == (field.um_per_px, field.exhaustive)
        assert [(o.shape, o.label, o.uuid, dict(o.attributes)) for o in record.objects] == [
            (o.shape, o.class_name, o.uuid, dict(o.attributes)) for o in field.objects
        ]
    assert written.objects == sum(len(tuple(field.objects)) for field in out)


def three_shapes() -> list[ExportField]:
    shapes = [
        Shape("circle", (3.5, 40.25, 10.0)),
        Shape("box", (10.2, 20.0, 30.1, 60.9)),
        Shape("contour", (1.0, 1.0, 9.5, 1.0, 9.5, 7.25)),
    ]
    cells = tuple(ExportObject(1 + 3 * (i == 1), CLASSES[1 + 3 * (i == 1)], s, f"u{i}") for i, s in enumerate(shapes))
    return [
        ExportField("a.png", WIDTH, HEIGHT, cells, split="training"),
        ExportField("b.png", WIDTH, HEIGHT, (), split="test"),
    ]


def test_pycocotools_loads_the_same_counts() -> None:
    with unpacked("coco", three_shapes()) as (folder, _), contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(folder / "annotations/instances.json"))
        masks = [area(coco.annToRLE(item)) for item in coco.loadAnns(coco.getAnnIds()) if item["segmentation"]]
    assert (len(coco.getImgIds()), len(coco.getAnnIds()), sorted(coco.getCatIds())) == (2, 3, [1, 4, 7])
    assert len(coco.getAnnIds(catIds=[4])) == 1
    assert coco.anns[2]["bbox"] == pytest.approx([10.2, 20.0, 19.9, 40.9])
    assert masks == [pytest.approx(8.5 * 6.25 / 2, abs=8)]


def test_voc_reads_like_any_other() -> None:
    """As torchvision's parser sees it: nested tags, whole numbers, never an empty box."""
    with unpacked("voc", three_shapes()) as (folder, _):
        tree = ET.parse(folder / "Annotations/a.xml").getroot()  # noqa: S314 (written by ourselves)
        assert (folder / "ImageSets/Main/train.txt").read_text() == "a\n"
        assert (folder / "ImageSets/Main/test.txt").read_text() == "b\n"
    found = [[int(str(edge.text)) for edge in item.iterfind("bndbox/*")] for item in tree.iterfind("object")]
    assert found == [[0, 30, 14, 51], [10, 20, 31, 61], [1, 1, 10, 8]]
    assert [item.findtext("name") for item in tree.iterfind("object")] == [CLASSES[1], CLASSES[4], CLASSES[1]]
    assert tree.findtext("size/width") == "640"


@settings(max_examples=60, deadline=None)
@given(st.one_of(boxes(), circles(), contours()), st.integers(1, 300), st.integers(1, 300))
def test_whole_boxes_are_never_empty_and_lie_inside(shape: Shape, width: int, height: int) -> None:
    x0, y0, x1, y1 = whole_box(shape, width, height)
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height


@pytest.mark.parametrize("fmt", ["coco", "voc"])
def test_images_and_manifest(tmp_path: Path, fmt: str) -> None:
    stored = image(tmp_path / "stored.png", WIDTH, HEIGHT)
    first, second = three_shapes()
    out = [ExportField("a.png", WIDTH, HEIGHT, first.objects, image=stored), second]
    with zipfile.ZipFile(tmp_path / "out.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        written = write(fmt, archive, out, images=True)
        content: dict[str, Any] = json.loads(manifest(written, 3, project="demo"))
        entry = next(info for info in archive.infolist() if info.filename.endswith("a.png"))
        assert entry.compress_type == zipfile.ZIP_STORED
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.read(entry.filename) == stored.read_bytes()
        for name, sha256 in content["label_files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == sha256
    assert (content["images"], content["image_files"], content["objects_in"], content["objects_out"]) == (2, 1, 3, 3)
    assert content["per_class"] == {"myelocyte": 2, CLASSES[4]: 1}
    assert content["per_shape"] == {"circle": 1, "box": 1, "contour": 1}
    expected = {"circle to box": 1} | ({"contour to box": 1} if fmt == "voc" else {})
    assert content["converted"] == expected
    assert content["notice"] == "Research use only. Not for use in diagnostic procedures."
    assert content["project"] == "demo"
    with pytest.raises(ValueError, match="4 objects went in, 3 came out"):
        manifest(written, 4)


def test_the_same_export_twice_is_the_same_archive(tmp_path: Path) -> None:
    stored = image(tmp_path / "stored.png", WIDTH, HEIGHT)
    archives = []
    for _ in range(2):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            write_coco(archive, [ExportField("a.png", 9, 9, (), image=stored)], CLASSES, images=True)
        archives.append(out.getvalue())
    assert archives[0] == archives[1]


def test_two_fields_of_one_name_are_refused() -> None:
    twins = [ExportField("a.png", 9, 9, ()), ExportField("a.jpg", 9, 9, ())]
    with zipfile.ZipFile(io.BytesIO(), "w") as archive, pytest.raises(ValueError, match="Two fields"):
        write_voc(archive, twins)


def many(count: int) -> Iterator[ExportField]:
    circle, name = Shape("circle", (20.5, 30.25, 7.125)), CLASSES[1]
    for i in range(count // 100):
        yield ExportField(f"{i}.png", WIDTH, HEIGHT, (ExportObject(1, name, circle, f"{i}-{j}") for j in range(100)))


def test_memory_stays_flat_out_and_in(tmp_path: Path) -> None:
    """8,000 objects held at once, as JSON or as records, would be above 4 MB."""
    from annotation.formats.registry import read

    with (tmp_path / "out.zip").open("wb") as target, zipfile.ZipFile(target, "w") as archive:
        tracemalloc.start()
        write_coco(archive, many(8_000), CLASSES)
        wrote = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "back")
    tracemalloc.start()
    count = sum(len(item.objects) for item in read(tmp_path / "back", "coco") if isinstance(item, FieldRecord))
    took = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 8_000
    assert max(wrote, took) < 3e6
