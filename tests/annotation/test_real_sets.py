"""The real sets, counted to the last object."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotation.formats.records import ReadOptions
from annotation.imaging import ingest, read_rgb
from tests.annotation.datasets import Taken

pytestmark = pytest.mark.realdata


def test_bccd(real_data: Path) -> None:
    taken = Taken(real_data / "bccd", "auto")
    assert (len(taken.records), taken.objects_in) == (364, 4888)
    assert taken.told == [
        ("Annotations/BloodImage_00338.xml", 13, "no area: 0 x 0 px"),
        ("Annotations/BloodImage_00343.xml", 4, "no area: 0 x 0 px"),
    ]
    assert Counter(record.split for record in taken.records) == {"training": 205, "validation": 87, "test": 72}
    assert {item.label for item in taken.objects} == {"WBC", "RBC", "Platelets"}


def test_txl_pbc(real_data: Path) -> None:
    taken = Taken(real_data / "txl-pbc", "auto")
    assert (len(taken.records), taken.objects_in) == (1296, 23950)
    assert [fault.reason[:22] for fault in taken.faults] == ["exact duplicate of obj"] * 2
    assert Counter(record.split for record in taken.records) == {"training": 1008, "validation": 288}
    assert {item.label for item in taken.objects} == {"WBC", "RBC", "Platelets"}


def test_bm_graz(real_data: Path) -> None:
    taken = Taken(real_data / "bm-graz", "auto", ReadOptions(radius_px=12))
    assert (len(taken.records), len(taken.objects), taken.faults) == (5, 1931, [])
    assert Counter(item.shape.kind for item in taken.objects) == {"circle": 1931}
    assert {item.label for item in taken.objects} == {"1", "3"}


def test_wbc_contours(real_data: Path) -> None:
    taken = Taken(real_data / "wbc-contours", "auto", ReadOptions(mask_kind="nucleus_cytoplasm"))
    assert (len(taken.records), len(taken.objects), taken.faults) == (300, 300, [])
    assert Counter(item.label for item in taken.objects) == {"1": 176, "2": 53, "3": 48, "4": 22, "5": 1}
    for record in taken.records[:40]:
        pixels = np.asarray(Image.open(real_data / "wbc-contours" / record.source)) > 0
        assert record.objects[0].shape.area == pytest.approx(pixels.sum(), rel=0.02)


def test_pbc_cells(real_data: Path) -> None:
    taken = Taken(real_data / "pbc-cells", "auto")
    assert (len(taken.records), len(taken.objects), taken.faults) == (1050, 1050, [])
    assert set(Counter(item.label for item in taken.objects).values()) == {150}


def test_real_images_keep_their_pixels(real_data: Path, tmp_path: Path) -> None:
    for folder in sorted(real_data.iterdir()):
        for path in sorted(folder.rglob("*"))[::101] if folder.is_dir() else ():
            if path.suffix.lower() in (".jpg", ".png") and "masks" not in path.parts:
                stored = ingest(path, tmp_path)
                with Image.open(path) as image:
                    assert np.array_equal(read_rgb(tmp_path / stored.path), np.asarray(image.convert("RGB")))
