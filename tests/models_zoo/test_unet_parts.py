"""The seven representations on a disc drawn by hand, and Otsu and watershed on discs that touch."""

import numpy as np
import pytest
import torch

from models_zoo import paint
from models_zoo.training.network import Targets
from models_zoo.training.pictures import bounds
from models_zoo.unet.representations import (
    CHANCES,
    REPRESENTATIONS,
    Canvas,
    draw,
    foreground_loss,
    scaled_of,
    shown,
    sigmoid_of,
)
from models_zoo.unet.statistical import chances
from models_zoo.unet.watershed import Cut, instances, measured, otsu

SIDE, MIDDLE, RADIUS, RIM = 64, 32.0, 20.0, 4.0


def cells(*circles: tuple[float, float, float]) -> Targets:
    outlines = tuple(paint.ellipse((x - r, y - r, x + r, y + r)) for x, y, r in circles)
    boxes = bounds(outlines)
    return Targets(boxes, boxes, np.arange(len(circles)), outlines)


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    return draw(cells((MIDDLE, MIDDLE, RADIUS)), SIDE, SIDE, RIM)


@pytest.fixture(scope="module")
def away() -> np.ndarray:
    """How far each pixel's centre lies from the disc's."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    return np.asarray(np.hypot(rows - MIDDLE, columns - MIDDLE))


def test_depth_is_one_in_the_middle_and_zero_at_the_border(canvas: Canvas, away: np.ndarray) -> None:
    inside = away < RADIUS - 1
    np.testing.assert_allclose(canvas.depth[inside], 1 - away[inside] / RADIUS, atol=0.06)
    assert canvas.depth.max() == 1
    assert not canvas.depth[away > RADIUS + 1].any()
    assert (canvas.label[inside] == 0).all()
    assert (canvas.label[away > RADIUS + 1] == -1).all()


def test_the_eroded_disc_is_smaller_by_the_rim(canvas: Canvas, away: np.ndarray) -> None:
    assert canvas.core[away < RADIUS - RIM - 1].all()
    assert not canvas.core[away > RADIUS - RIM + 1].any()
    assert canvas.core.sum() == pytest.approx(np.pi * (RADIUS - RIM) ** 2, rel=0.05)


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_each_representation_at_middle_rim_and_outside(name: str, canvas: Canvas) -> None:
    """Values at the disc's middle, half way out, in its rim, and outside of it."""
    places = [(32, 32), (32, 42), (32, 50), (32, 60)]
    d = np.array([canvas.depth[place] for place in places])
    curve = np.interp(d, np.linspace(0, 1, 21), CHANCES)
    wanted = {
        "shrinking": [1, 1, 0, 0],
        "contour": [1, 1, 2, 0],
        "dont_care": [1, 1, 0, 0],
        "distance": [*d[:3], 0],
        "sigmoid": [*(1 / (1 + np.exp(-10 * (d[:3] - 0.5)))), 0],
        "statistical": [*curve[:3], 0],
        "scaled": [*(2 * (curve[:3] - CHANCES[0]) / (CHANCES[-1] - CHANCES[0]) - 1), 0],
    }
    found = shown(canvas, name)
    np.testing.assert_allclose([found.target[place] for place in places], wanted[name], atol=1e-5)
    assert [found.weight[place] for place in places] == ([1, 1, 0, 1] if name == "dont_care" else [1, 1, 1, 1])


def test_the_curves_go_from_border_to_middle_as_the_document_says() -> None:
    d = np.linspace(0, 1, 11, dtype=np.float32)
    np.testing.assert_allclose(sigmoid_of(d)[[0, 5, 10]], [0.0067, 0.5, 0.9933], atol=1e-4)
    assert len(CHANCES) == 21
    assert (np.diff(CHANCES) >= 0).all()
    # Steeper than the sigmoid and shifted to the border: half way up before a quarter of the way in.
    assert np.interp(0.25, np.linspace(0, 1, 21), CHANCES) > 0.9 > 0.5 > sigmoid_of(d)[4]
    at_border = draw(cells((MIDDLE, MIDDLE, RADIUS)), SIDE, SIDE, RIM)
    # The outermost pixels' middles lie half a pixel inside of the border.
    assert -1 < shown(at_border, "scaled").target.min() < -0.5
    assert scaled_of(np.array([0, 1], np.float32)).tolist() == [-1, 1]


def test_the_statistical_curve_is_measured_on_pairs() -> None:
    """A cell of half its circle's radius: pixels with d above a half belong to it, the others do not."""
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    contour = np.stack([50 + 20 * np.cos(angle), 50 + 20 * np.sin(angle)], 1)
    curve = chances([((50.0, 50.0, 40.0), contour)], 10)
    np.testing.assert_allclose(curve[:5], 0, atol=0.02)
    np.testing.assert_allclose(curve[6:], 1, atol=0.02)


def test_where_two_eroded_cells_overlap_neither_is_core() -> None:
    two = draw(cells((24, 32, 14), (42, 32, 14)), SIDE, SIDE, 2)
    # On the line between the centres: core, then rim where both are core, then core.
    assert two.core[32, 24]
    assert two.core[32, 42]
    assert not two.core[32, 33]
    assert shown(two, "contour").target[32, 33] == 2
    assert two.label[32, 26] == 0
    assert two.label[32, 40] == 1


def test_a_cell_at_the_border_is_drawn_whole_and_cut() -> None:
    cut = draw(cells((0.0, 32.0, 12.0)), SIDE, SIDE, 3)
    assert cut.depth[32, 0] > 0.9
    assert draw(cells((-40.0, -40.0, 12.0)), SIDE, SIDE, 3).inside.sum() == 0


def test_the_contour_class_has_a_weight_of_its_own_and_dont_care_asks_nothing(canvas: Canvas) -> None:
    answer = torch.zeros((1, 3, SIDE, SIDE), requires_grad=True)
    rim = shown(canvas, "contour")
    target, weight = (torch.from_numpy(one)[None] for one in (rim.target, rim.weight))
    gradients = []
    for rim_weight in (1.0, 4.0):
        foreground_loss(answer, target, weight, "cross_entropy", rim_weight).backward()  # type: ignore[no-untyped-call]
        assert answer.grad is not None
        gradients.append(answer.grad[0, 2, 32, 50].abs() / answer.grad[0, 1, 32, 32].abs())
        answer.grad = None
    assert gradients[1] / gradients[0] == pytest.approx(4, rel=1e-4)
    alone = torch.zeros((1, 1, SIDE, SIDE), requires_grad=True)
    ignored = shown(canvas, "dont_care")
    target, weight = (torch.from_numpy(one)[None] for one in (ignored.target, ignored.weight))
    foreground_loss(alone, target, weight, "cross_entropy", 1.0).backward()  # type: ignore[no-untyped-call]
    assert alone.grad is not None
    assert alone.grad[0, 0, 32, 50] == 0
    assert alone.grad[0, 0, 32, 32] != 0


def touching() -> np.ndarray:
    """Two discs of radius 12 that touch, and one alone, on a faint ground."""
    rows, columns = np.mgrid[:SIDE, : 2 * SIDE] + 0.5
    values = np.full((SIDE, 2 * SIDE), 0.05, np.float32)
    for x, y, r, value in ((30, 32, 12, 0.9), (53, 32, 12, 0.8), (100, 30, 10, 0.7)):
        values[np.hypot(columns - x, rows - y) < r] = value
    return values


def test_otsu_divides_cells_from_ground() -> None:
    assert 0.05 <= otsu(touching(), 0.0) < 0.7
    assert otsu(touching(), 0.75) == 0.75
    flat = np.full((32, 32), 0.3, np.float32)
    assert not instances(flat, Cut())[0].any()


def test_watershed_parts_discs_that_touch() -> None:
    values = touching()
    labels, distance = instances(values, Cut())
    found = measured(values, labels, distance, 0.0, 5.0)
    order = np.argsort(found.boxes[:, 0])
    np.testing.assert_allclose(found.boxes[order], [(18, 20, 42, 44), (41, 20, 65, 44), (90, 20, 110, 40)], atol=2)
    np.testing.assert_allclose(found.confidence[order], [0.9, 0.8, 0.7], atol=0.02)


def test_what_was_eroded_is_dilated_and_what_is_small_is_dropped() -> None:
    values = touching()
    labels, distance = instances(values, Cut())
    plain, grown = (measured(values, labels, distance, rim, 0.0).boxes for rim in (0.0, 3.0))
    np.testing.assert_allclose(grown - plain, np.tile([-3, -3, 3, 3], (3, 1)), atol=1e-5)
    assert len(measured(values, labels, distance, 0.0, 22.0).boxes) == 2
    assert not len(measured(values, labels, distance, 0.0, 50.0).boxes)
