"""The benchmark of contours: its circles, its harder pictures, its scores; it asks the workbench's own code."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import contoured, outliner, shifts
from benchmarks.contoured import Case, Cell, Mask
from tests.house.processes import ROOT

SIDE = 80


def disc(size: int, x: float, y: float, radius: float) -> Mask:
    rows, columns = np.indices((size, size)) + 0.5
    return np.asarray(np.hypot(columns - x, rows - y) < radius, bool)


def cell(key: str = "one", size: int = 130) -> Cell:
    """A violet cell with a darker nucleus on a light ground."""
    mask, nucleus = disc(size, size / 2, size / 2, SIDE / 2), disc(size, size / 2 + 8, size / 2 - 6, SIDE / 4)
    picture = np.full((size, size, 3), (244, 232, 220), np.uint8)
    picture[mask], picture[nucleus] = (188, 180, 214), (96, 50, 130)
    return Cell(key, picture, mask, float(SIDE))


def test_a_simulated_circle_covers_the_cell_with_the_room_that_the_method_says() -> None:
    one = cell()
    circles = np.array([contoured.circled(one, np.random.default_rng(seed)).points for seed in range(400)])
    middle, exact = one.mask.shape[0] / 2, contoured.enclosing(one.mask)[2]
    moved = circles[:, :2] - middle
    assert moved.std(axis=0) == pytest.approx(SIDE * 3 / 165, rel=0.1)
    room = circles[:, 2] - exact - np.hypot(moved[:, 0], moved[:, 1])
    assert room.mean() == pytest.approx(0, abs=0.1)
    assert room.std() == pytest.approx(SIDE / 165, rel=0.15)


def test_the_scores_are_those_of_areas() -> None:
    one = cell()
    case = Case(one.picture, one.mask, "circle", (65.0, 65.0, 50.0))
    assert outliner.of_circle(case, 0.8) > 0.99
    assert outliner.of_circle(case, 1.0) == pytest.approx(0.64, abs=0.01)
    assert outliner.best_factor([case]) == pytest.approx(0.8, abs=0.011)
    square = np.array([[25.0, 25.0], [65.0, 25.0], [65.0, 65.0], [25.0, 65.0]])
    assert outliner.filled(square, one.mask.shape).sum() == 40 * 40
    assert outliner.iou(outliner.Answer(None, "nothing", 1.0), case) == 0.0


@pytest.mark.parametrize("harder", [shifts.restained, shifts.among_red_cells])
def test_a_harder_picture_has_the_same_truth_and_is_the_same_each_time(harder: object) -> None:
    assert callable(harder)
    made, again = (harder(cell(), np.random.default_rng(3)) for _ in range(2))
    assert (made.picture == again.picture).all()
    assert made.mask.sum() == cell().mask.sum()
    assert made.picture.shape[:2] == made.mask.shape


def test_a_neighbour_lies_against_the_cell_and_leaves_it_whole() -> None:
    one, other = cell("one"), cell("two")
    made = shifts.beside(one, [one, other], np.random.default_rng(3))
    ground = np.array((244, 232, 220))
    there = np.abs(made.picture.astype(int) - ground).sum(axis=2) > 60
    assert made.mask.sum() == one.mask.sum()
    assert (there & ~made.mask).sum() > 0.7 * one.mask.sum()
    assert (made.picture[made.mask] == one.picture[one.mask]).mean() > 0.9


def test_a_cut_cell_reaches_the_border_and_its_circle_has_its_middle_on_the_picture() -> None:
    for seed in range(8):
        case = shifts.cut(cell(), np.random.default_rng(seed))
        assert case.mask[:, 0].any()
        assert 0 < case.points[0] < case.mask.shape[1]
        assert 0.5 < case.mask.sum() / cell().mask.sum() < 0.95


def test_a_data_set_is_read_by_stem_whatever_its_pictures_are(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    one = cell()
    Image.fromarray(one.picture).save(tmp_path / "images" / "a.bmp")
    Image.fromarray(one.mask.astype(np.uint8) * 128).save(tmp_path / "masks" / "a.png")
    Image.fromarray(one.picture).save(tmp_path / "images" / "without-a-mask.bmp")
    (read,) = contoured.read(tmp_path)
    assert (read.mask == one.mask).all()
    assert read.side == SIDE


def test_the_workbench_is_asked_and_finds_the_cell_from_a_circle_and_a_box(tmp_path: Path) -> None:
    one = cell()
    blank = np.full_like(one.picture, 240)
    cases = [
        contoured.circled(one, np.random.default_rng(1)),
        contoured.boxed(one, np.random.default_rng(1)),
        Case(blank, one.mask, "circle", (65.0, 65.0, 44.0)),
    ]
    circle, box, nothing = outliner.ask(cases, tmp_path / "asked")
    assert outliner.iou(circle, cases[0]) > 0.95
    assert outliner.iou(box, cases[1]) > 0.95
    assert nothing.points is None
    assert "by hand" in str(nothing.fault)
    assert min(circle.ms, box.ms, nothing.ms) > 0


def test_the_share_that_never_looks_is_the_workbench_s() -> None:
    written = (ROOT / "static" / "src" / "outline" / "start.ts").read_text()
    assert re.findall(r"SHRINK = ([\d.]+)", written) == [str(outliner.SHRINK)]
