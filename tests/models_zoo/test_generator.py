"""The generator of fields: its truth is exact, its fields are reproducible, its sets vary as real ones do."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from shapely.geometry import Polygon
from skimage.draw import polygon2mask

from models_zoo.generator import (
    CLASS_WEIGHTS,
    CLASSES,
    STAINS,
    FieldSettings,
    GeneratedField,
    SetSettings,
    contact_sheet,
    generate_field,
    generate_set,
    write_set,
)
from models_zoo.generator.__main__ import main
from models_zoo.generator.cases import RARE
from models_zoo.generator.cells import Pen, draw_cell
from models_zoo.generator.clutter import draw_clutter
from models_zoo.generator.field import truth
from models_zoo.generator.morphology import DIAMETERS, EXCLUDED, MORPHOLOGY
from models_zoo.generator.stains import palette

SMALL = FieldSettings(width=200, height=160, density=6)


def _mask(contour: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.bool_]:
    """Pixels whose centre lies in the polygon."""
    mask: npt.NDArray[np.bool_] = polygon2mask((height, width), contour[:, ::-1] - 0.5)
    return mask


def _alone(label: str, seed: int = 0) -> GeneratedField:
    """A field with no more than one object and nothing else on the slide but platelets and specks."""
    weights = {key: float(key == label or label in EXCLUDED) for key in CLASS_WEIGHTS}
    look = FieldSettings(400, 400, class_weights=weights, density=0.01, red_cells=0, noise=0, blur_share=0)
    look = replace(look, smudge_share=float(label == "smudge"), artefact_share=float(label == "artefact"))
    for number in range(50):
        drawn = generate_field((seed, number), look)
        if not drawn.cells[0].attributes:
            return drawn
    raise AssertionError(f"no whole {label} in 50 fields")


def _digest(drawn: GeneratedField) -> str:
    digest = hashlib.sha256(drawn.image.tobytes())
    for cell in drawn.cells:
        digest.update(f"{cell.label}{sorted(cell.attributes)}".encode() + cell.contour.tobytes())
    return digest.hexdigest()


def test_a_seed_gives_the_same_bytes_here_and_in_a_fresh_process_without_torch() -> None:
    code = (
        "import sys, zlib; from models_zoo.generator import FieldSettings, generate_field; "
        "drawn = generate_field(7, FieldSettings(width=200, height=160, density=6)); "
        "print(zlib.crc32(drawn.image.tobytes() + b''.join(cell.contour.tobytes() for cell in drawn.cells))); "
        "print(sorted({'torch', 'django', 'cv2'} & set(sys.modules)))"
    )
    first = generate_field(7, SMALL)
    assert _digest(first) == _digest(generate_field(7, SMALL)) != _digest(generate_field(8, SMALL))
    root = Path(__file__).parents[2]
    fresh = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    here = zlib.crc32(first.image.tobytes() + b"".join(cell.contour.tobytes() for cell in first.cells))
    assert fresh.stdout.split() == [str(here), "[]"]


@pytest.mark.parametrize("label", CLASSES)
def test_the_contour_is_what_was_painted(label: str) -> None:
    for seed in range(5):
        pen = Pen(np.random.default_rng(seed), palette("may-gruenwald-giemsa"), 0.3)
        radius = sum(DIAMETERS[label]) / 4
        draw = draw_clutter if label in EXCLUDED else draw_cell
        drawing = draw(pen, label, (200.3, 199.8), radius)
        painted = np.zeros((400, 400), bool)
        left, top = drawing.patch.corner
        painted[top : top + drawing.patch.side, left : left + drawing.patch.side] = drawing.cover > 0.5
        cell = truth(drawing, label, 400, 400)
        claimed = _mask(cell.contour, 400, 400)
        assert (painted & claimed).sum() / (painted | claimed).sum() > 0.97
        assert 24 <= len(cell.contour) <= 60
        if cell.nucleus is not None:
            assert Polygon(cell.contour).buffer(1).contains(Polygon(cell.nucleus))
            assert (cell.nucleus.max(axis=0) - cell.nucleus.min(axis=0)).min() > 0.15 * 2 * radius / 0.3


@pytest.mark.parametrize("label", CLASSES)
def test_a_cell_differs_from_the_slide_just_outside_its_contour(label: str) -> None:
    drawn = _alone(label)
    outline = Polygon(drawn.cells[0].contour)
    within, near, far = (_mask(np.array(outline.buffer(by).exterior.coords), 400, 400) for by in (-2, 3, 5))
    outside = far & ~near
    image = drawn.image.astype(float)
    gap = np.abs(np.median(image[within], axis=0) - np.median(image[outside], axis=0)).max()
    assert gap > 25


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), overlap=st.floats(0, 1), density=st.integers(1, 14))
def test_contours_lie_in_the_image_and_cut_ones_say_so(seed: int, overlap: float, density: int) -> None:
    drawn = generate_field(seed, FieldSettings(200, 160, density=density, overlap=overlap))
    assert drawn.image.shape == (160, 200, 3)
    for cell in drawn.cells:
        assert cell.contour.min() >= 0
        assert (cell.contour <= (200, 160)).all()
        assert Polygon(cell.contour).is_valid
        at_border = bool((cell.contour == 0).any() or (cell.contour == (200, 160)).any())
        assert at_border == ("cut" in cell.attributes)
        if "cut" not in cell.attributes:
            assert 24 <= len(cell.contour) <= 60


def test_classes_have_their_sizes_and_colours() -> None:
    drawn = {label: _alone(label) for label in ("lym", "proery", "eos", "plasma")}
    cytoplasm = {}
    for label, field in drawn.items():
        cell = field.cells[0]
        diameter = 2 * np.sqrt(Polygon(cell.contour).area / np.pi) * field.um_per_px
        assert 0.85 * DIAMETERS[label][0] < diameter < 1.15 * DIAMETERS[label][1]
        assert cell.nucleus is not None
        hole = _mask(cell.nucleus, 400, 400)
        ring = _mask(np.array(Polygon(cell.contour).buffer(-2).exterior.coords), 400, 400) & ~hole
        cytoplasm[label] = field.image[ring].mean(axis=0)
        nucleus = field.image[hole].mean(axis=0)
        assert nucleus[1] < nucleus[0]  # purple: less green than red and blue
        assert nucleus[1] < nucleus[2]
    assert cytoplasm["eos"][0] > cytoplasm["eos"][2] + 40  # orange
    assert cytoplasm["plasma"][2] > cytoplasm["plasma"][0] + 20  # blue


@pytest.mark.parametrize(
    ("younger", "older", "trait"),
    [
        ("myc", "mmc", "dent"),
        ("myc", "mmc", "diameter"),
        ("mmc", "band", "diameter"),
        ("basery", "polyery", "mix"),
        ("basery", "polyery", "ratio"),
        ("polyery", "orthoery", "mix"),
        ("blast", "proery", "ratio"),
    ],
)
def test_neighbouring_stages_share_part_of_their_looks(younger: str, older: str, trait: str) -> None:
    ranges = [getattr(MORPHOLOGY[label], trait) for label in (younger, older)]
    assert max(low for low, _ in ranges) < min(high for _, high in ranges)


def test_a_set_gives_each_case_its_stain_and_keeps_rare_classes_to_few_cases() -> None:
    look = SetSettings(FieldSettings(160, 160, density=14))
    fields = list(generate_set(40, 5, cases=10, settings=look))
    cases: dict[str, list[GeneratedField]] = {}
    for drawn in fields:
        cases.setdefault(drawn.case, []).append(drawn)
    assert [len(own) for own in cases.values()] == [4] * 10
    assert all(len({drawn.stain for drawn in own}) == 1 for own in cases.values())
    assert all(len({drawn.slide for drawn in own}) == 2 for own in cases.values())
    assert {drawn.stain for drawn in fields} == set(STAINS)
    homes = Counter(key for own in cases.values() for key in {cell.label for drawn in own for cell in drawn.cells})
    assert all(homes[key] <= 7 for key in RARE)
    assert homes["seg"] >= 8
    assert {drawn.flaw for drawn in fields} <= {None, "blur"}


def test_the_number_of_processes_changes_nothing() -> None:
    alone = [_digest(drawn) for drawn in generate_set(3, 1, 2, SetSettings(SMALL))]
    assert alone == [_digest(drawn) for drawn in generate_set(3, 1, 2, SetSettings(SMALL, processes=2))]


def test_flaws_are_drawn_and_named() -> None:
    def sharpness(drawn: GeneratedField) -> float:
        grey = drawn.image.mean(axis=2)
        return float(np.abs(np.diff(grey, axis=0)).mean())

    look = FieldSettings(200, 160, density=8, noise=0, blur_share=0)
    sharp = generate_field(3, look)
    blurred = generate_field(3, replace(look, blur_share=1.0))
    blank = generate_field(3, replace(look, blank_share=1.0))
    assert (sharp.flaw, blurred.flaw, blank.flaw) == (None, "blur", "blank")
    assert sharpness(blurred) < 0.7 * sharpness(sharp)
    assert blurred.cells
    assert not blank.cells
    first, *others = generate_set(4, 3, 1, SetSettings(look, duplicate_share=1.0))
    for other in others:
        assert other.flaw == "duplicate"
        assert 0 < np.abs(other.image.astype(int) - first.image).mean() < 12


def test_a_set_is_saved_as_coco(tmp_path: Path) -> None:
    fields = list(generate_set(3, 2, 2, SetSettings(SMALL)))
    path = write_set(tmp_path, iter(fields))
    coco = COCO(str(path))
    assert sorted(coco.imgs) == [1, 2, 3]
    assert sorted(coco.anns) == list(range(1, sum(len(drawn.cells) for drawn in fields) + 1))
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == list(CLASSES)
    for number, drawn in enumerate(fields, start=1):
        entry = coco.imgs[number]
        assert (entry["width"], entry["height"], entry["case"], entry["slide"]) == (200, 160, drawn.case, drawn.slide)
        assert (tmp_path / "images" / entry["file_name"]).is_file()
        for annotation, cell in zip(coco.loadAnns(coco.getAnnIds(number)), drawn.cells, strict=True):
            assert CLASSES[annotation["category_id"] - 1] == cell.label
            assert annotation["shape"] == "contour"
            assert annotation["attributes"] == dict.fromkeys(sorted(cell.attributes), True)
            polygon = Polygon(np.array(annotation["segmentation"][0]).reshape(-1, 2))
            assert polygon.area == pytest.approx(annotation["area"], rel=0.01)
            assert np.allclose(polygon.bounds[2:], np.add(annotation["bbox"][:2], annotation["bbox"][2:]), atol=0.02)
    with pytest.raises(FileExistsError, match="name another folder"):
        write_set(tmp_path, [])


def test_the_command_writes_a_set_and_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = ["--width", "64", "--height", "48", "--count", "2", "--cases", "1"]
    assert main([str(tmp_path / "set"), *size]) == 0
    assert len(json.loads((tmp_path / "set" / "annotations.json").read_text())["images"]) == 2
    assert main([str(tmp_path / "set"), *size]) == 1
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (FieldSettings(width=8), "too small"),
        (FieldSettings(um_per_px=0), "above 0"),
        (FieldSettings(stain="green"), "choose one of"),
        (FieldSettings(class_weights={"unicorn": 1.0}), "unicorn"),
        (FieldSettings(class_weights={"seg": 0.0}), "positive weight"),
    ],
)
def test_what_cannot_be_drawn_is_refused(look: FieldSettings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate_field(0, look)


def test_the_contact_sheet_has_a_row_per_class() -> None:
    assert contact_sheet(("lym", "smudge"), examples=3, um_per_px=0.26).shape == (200, 300, 3)
    with pytest.raises(ValueError, match="no class is called"):
        contact_sheet(("unicorn",))
