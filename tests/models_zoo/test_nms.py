import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_zoo.detections import Detections
from models_zoo.nms import Numbers, iou_matrix, merge_tiles, nms, one_per_cell
from models_zoo.tiles import Tile, clip, plan


def scene(seed: int, count: int, side: float, clusters: int) -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(seed)
    middle = rng.uniform(0, side, (clusters, 2))[rng.integers(0, clusters, count)] + rng.normal(0, 4, (count, 2))
    half = rng.uniform(15, 25, (count, 2))
    return np.concatenate([middle - half, middle + half], 1).astype(np.float32), rng.random(count).astype(np.float32)


def seen(boxes: object, scores: object) -> Detections:
    two = np.zeros((len(np.asarray(boxes)), 0), np.float32)
    return Detections(np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(scores, np.float32), two)


def test_iou_of_known_boxes() -> None:
    a = np.array([[0.0, 0, 10, 10], [5, 5, 5, 5]])
    b = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [5, 5, 5, 5]])
    assert iou_matrix(a, b) == pytest.approx(np.array([[1, 1 / 3, 0, 0], [0, 0, 0, 0]]))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 700), classes=st.integers(1, 4), iou=st.floats(0.1, 0.9))
def test_nms_keeps_what_the_textbook_keeps(seed: int, count: int, classes: int, iou: float) -> None:
    boxes, scores = scene(seed, count, 300, 40)
    labels = np.random.default_rng(seed).integers(0, classes, count)
    overlap = iou_matrix(boxes, boxes)
    for given_labels in (labels, None):
        expected: list[int] = []
        for index in np.argsort(-scores, kind="stable"):
            rivals = [i for i in expected if given_labels is None or labels[i] == labels[index]]
            if not (overlap[index, rivals] > iou).any():
                expected.append(int(index))
        assert nms(boxes, scores, given_labels, iou, 10_000).tolist() == expected
        assert nms(boxes, scores, given_labels, iou, 7).tolist() == expected[:7]


def test_nms_of_five_thousand_candidates_is_quick() -> None:
    boxes, scores = scene(1, 5000, 2048, 1100)
    labels = np.random.default_rng(1).integers(0, 3, 5000)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        assert len(nms(boxes, scores, labels, 0.6, 1000)) == 1000
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.06


@pytest.mark.parametrize(("width", "height", "side"), [(20, 20, 320), (40, 40, 320), (80, 60, 320), (79, 40, 256)])
def test_a_cell_at_any_offset_comes_out_once_and_whole(width: int, height: int, side: int) -> None:
    """A tile that cuts the cell may be surer of it than one that sees it whole."""
    field = 900
    tiles = plan(field, field, side, 0.32)
    for offset in range(field - width):
        x, y = offset, (offset * 7) % (field - height)
        cell = np.array([[x, y, x + width, y + height]], float)
        parts = []
        for number, tile in enumerate(tiles):
            boxes, _ = clip(cell, tile)
            cut = len(boxes) and not np.array_equal(boxes[0] + [tile.x, tile.y] * 2, cell[0])
            score, jitter = (0.9 if cut else 0.5), 0.0 if cut else number % 3 / 4
            scores = [[score, 0.3], [0.3, score]][number % 2]
            parts.append((tile, seen(boxes + jitter, np.array([scores] * len(boxes)).reshape(-1, 2))))
        found = merge_tiles(parts)
        assert len(found) == 1, (offset, found)
        assert found.boxes[0] == pytest.approx(cell[0], abs=0.51)
        assert found.top[0] == pytest.approx(0.5)


def test_a_cut_cell_stays_when_nobody_sees_it_whole() -> None:
    left, right = Tile(0, 0, 100, 100), Tile(75, 0, 100, 100)
    found = merge_tiles([(left, seen([[60, 20, 100, 60]], [[0.8]])), (right, seen([[60, 10, 90, 40]], [[0.9]]))])
    assert found.boxes.tolist() == [[135, 10, 165, 40], [60, 20, 100, 60]]


def test_neighbouring_cells_and_other_classes_of_one_tile_stay() -> None:
    tiles = [Tile(0, 0, 100, 100), Tile(75, 0, 100, 100)]
    cells, scores = [[20, 20, 60, 60], [20, 20, 60, 61], [58, 20, 70, 30]], [[0.9, 0.1], [0.2, 0.3], [0.8, 0.1]]
    found = merge_tiles([(tiles[0], seen(cells, scores)), (tiles[1], seen(np.zeros((0, 4)), np.zeros((0, 2))))])
    assert sorted(found.boxes.tolist()) == sorted(cells)
    assert found.top.tolist() == sorted(found.top.tolist(), reverse=True)


def test_a_small_cell_upon_a_cut_one_does_not_drive_it_out() -> None:
    tiles = [Tile(0, 0, 100, 100), Tile(75, 0, 100, 100)]
    found = merge_tiles([(tiles[0], seen([[50, 20, 100, 70]], [[0.9]])), (tiles[1], seen([[8, 30, 18, 40]], [[0.9]]))])
    assert len(found) == 2


def test_a_cut_cell_gives_way_neither_to_its_own_tile_nor_to_a_faint_guess() -> None:
    tiles = [Tile(0, 0, 100, 100), Tile(75, 0, 100, 100)]
    cut, within = [70, 20, 100, 60], [72, 22, 97, 58]
    empty = seen(np.zeros((0, 4)), np.zeros((0, 2)))
    found = merge_tiles([(tiles[0], seen([cut, within], [[0.9, 0.1], [0.1, 0.8]])), (tiles[1], empty)])
    assert len(found) == 2
    guess = seen([[3, 18, 30, 62]], [[0.01, 0.02]])
    found = merge_tiles([(tiles[0], seen([cut], [[0.9, 0.1]])), (tiles[1], guess)])
    assert found.boxes[0].tolist() == cut


def test_the_border_of_the_picture_cuts_nothing_away() -> None:
    tiles = [Tile(0, 0, 100, 100), Tile(75, 0, 100, 100)]
    empty = seen(np.zeros((0, 4)), np.zeros((0, 1)))
    found = merge_tiles([(tiles[0], seen([[0, 0, 20, 20], [4, 90, 30, 100]], [[0.5], [0.4]])), (tiles[1], empty)])
    assert len(found) == 2


def test_one_per_cell_keeps_the_best_class() -> None:
    found = seen([[0, 0, 20, 20], [0, 0, 20, 21], [30, 0, 50, 20]], [[0.4, 0.1], [0.1, 0.6], [0.2, 0.1]])
    shown = one_per_cell(found)
    assert shown.boxes.tolist() == [[0, 0, 20, 21], [30, 0, 50, 20]]
    assert shown.labels.tolist() == [1, 0]
    assert len(one_per_cell(found[np.zeros(0, np.intp)])) == 0
