"""Label files with bytes knocked out, doubled or cut off: every reader ends, and says what it lost."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.formats.records import ExportField, ExportObject, ReadOptions
from annotation.formats.write_coco import write_coco
from annotation.formats.write_voc import write_voc
from annotation.shapes import Shape
from tests.annotation.datasets import HEIGHT, WIDTH, Taken, image, text

CELLS = tuple(
    ExportObject(1, "blast", shape, f"u{i}", {"difficult": True})
    for i, shape in enumerate(
        [
            Shape("circle", (30.0, 30.0, 9.5)),
            Shape("box", (1.0, 2.0, 30.25, 40.0)),
            Shape("contour", (50.0, 50.0, 60.0, 50.0, 60.0, 61.5)),
        ]
    )
)


def exported(fmt: str) -> tuple[str, bytes]:
    """Name and content of the label file of one field."""
    field = ExportField("a.png", WIDTH, HEIGHT, CELLS)
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        written = write_coco(archive, [field], {1: "blast"}) if fmt == "coco" else write_voc(archive, [field])
        name = next(iter(written.label_files))
        return name, archive.read(name)


FILES = {
    "coco": exported("coco"),
    "voc": exported("voc"),
    "yolo": ("labels/a.txt", b"0 0.5 0.5 0.1 0.1\n0 0.2 0.2 0.1 0.1\n0 0.1 0.1 0.2 0.1 0.2 0.2\n"),
    "points": ("points/a.txt", b"3 3 0\n10 20 1\n30 40 1\n50 60 3\n"),
}
OPTIONS = ReadOptions(radius_px=5, mask_kind="binary")

damage = st.tuples(st.sampled_from(["flip", "drop", "double", "cut"]), st.floats(0, 1), st.integers(1, 255))


def damaged(content: bytes, hits: list[tuple[str, float, int]]) -> bytes:
    data = bytearray(content)
    for kind, share, value in hits:
        place = min(int(share * len(data)), len(data) - 1)
        if kind == "flip":
            data[place] ^= value
        elif kind == "drop":
            del data[place : place + value % 9]
        elif kind == "double":
            data[place:place] = data[place : place + value]
        else:
            del data[max(place, 1) :]
        if not data:
            break
    return bytes(data)


@pytest.mark.parametrize("fmt", FILES)
@settings(max_examples=40, deadline=None)
@given(hits=st.lists(damage, min_size=1, max_size=3))
def test_no_damage_stops_a_reader(fmt: str, hits: list[tuple[str, float, int]]) -> None:
    name, content = FILES[fmt]
    with TemporaryDirectory() as folder:
        image(Path(folder) / "images/a.png")
        text(Path(folder) / name, damaged(content, hits))
        taken = Taken(Path(folder), fmt, OPTIONS)
        seen = [record.name for record in taken.records] + [fault.file for fault in taken.faults]
        assert seen  # neither the image nor the label file is passed over in silence
        assert all(fault.reason and fault.lost_objects >= 0 for fault in taken.faults)
