"""ANMS, the four views and weighted box clustering on cases whose answer can be reckoned by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models_zoo import ensemble, fusion, registry
from models_zoo.detections import Detections
from models_zoo.images import Pixels
from models_zoo.nms import anms, without_inner
from models_zoo.records import DetectRequest, FieldRecord
from models_zoo.runtime import detect
from tests.models_zoo.toy import blobs, squares_onnx


def found(*rows: tuple[float, ...]) -> Detections:
    """Rows of x0, y0, x1, y1 and the score of each class."""
    table = np.array(rows, np.float32)
    return Detections(table[:, :4], table[:, 4:], np.zeros((len(rows), 0), np.float32))


def kept(item: Detections, share: float) -> list[int]:
    return [int(index) for index in anms(item.boxes, item.top, item.labels, share)]


def test_a_nucleus_inside_its_own_cell_is_dropped_even_if_it_is_surer() -> None:
    cell, nucleus, other = (0, 0, 100, 100, 0.5), (20, 20, 60, 60, 0.9), (90, 90, 150, 150, 0.8)
    assert kept(found(cell, nucleus, other), 0.8) == [0, 2]
    assert len(without_inner(found(cell, nucleus, other), 0.0)) == 3


def test_the_share_decides_how_much_must_lie_within() -> None:
    cell, edge = (0, 0, 100, 100, 0.9), (60, 0, 110, 100, 0.9)  # 4,000 of the 5,000 lie within
    assert kept(found(cell, edge), 0.79) == [0]
    assert kept(found(cell, edge), 0.81) == [0, 1]


def test_a_faint_guess_does_not_wipe_out_sure_cells() -> None:
    cell = (20, 20, 60, 60, 0.8)
    for faint in (0.04, 0.39):
        assert kept(found((0, 0, 100, 100, faint), cell), 0.8) == [0, 1]
    assert kept(found((0, 0, 100, 100, 0.41), cell), 0.8) == [0]


def test_what_was_dropped_drops_nothing_itself() -> None:
    large, middle, small = (0, 0, 100, 100, 0.9), (50, 0, 102, 100, 0.9), (80, 0, 102, 20, 0.9)
    assert kept(found(large, middle, small), 0.8) == [0]  # the small one lies 20/22 within the large one
    small = (95, 0, 102, 20, 0.9)  # 5/7 within the large one, whole within the middle one that goes
    assert kept(found(large, middle, small), 0.8) == [0, 2]


def test_two_opinions_on_one_cell_both_stay() -> None:
    assert kept(found((0, 0, 100, 100, 0.9, 0.1), (1, 1, 99, 99, 0.1, 0.8)), 0.8) == [0, 1]
    assert kept(found((0, 0, 100, 100, 0.9, 0.1), (20, 20, 60, 60, 0.1, 0.8)), 0.8) == [0]


def test_neighbours_cannot_be_asked_to_drop_each_other() -> None:
    with pytest.raises(ValueError, match=r"from 0\.5 to 1"):
        anms(np.zeros((0, 4)), np.zeros(0), None, 0.3)


def nested() -> Pixels:
    """A red square of 60 px with a blue one of 20 px in it."""
    image = np.zeros((96, 96, 3), np.uint8)
    image[10:70, 10:70, 0] = 255
    image[30:50, 30:50] = (0, 0, 255)
    return image


def test_the_runtime_applies_it_where_it_is_asked_to() -> None:
    assert len(detect(blobs, nested(), 1.0, 96)) == 2
    inside = detect(blobs, nested(), 1.0, 96, anms=0.8)
    assert inside.boxes.tolist() == [[10, 10, 70, 70]]


def test_the_card_of_the_deployed_student_switches_it_on(tmp_path: Path) -> None:
    Image.fromarray(nested()).save(tmp_path / "f.png")
    record = FieldRecord("f", str(tmp_path / "f.png"), 96, 96, 1.0)

    def count(card: dict[str, object], asked: float | None) -> int:
        model = squares_onnx(tmp_path / f"{len(card)}.onnx", {"classes": ["r", "g", "b"], **card})
        request = DetectRequest(str(model), (record,), str(tmp_path / "out.npz"), 96, anms=asked, min_score=0.2)
        return len(registry.call("detect", request)["f"])

    whole = count({}, None)
    assert count({"anms": 0.8}, None) == count({}, 0.8) < whole
    assert count({"anms": 0.8}, 0.0) == whole


def test_mirrored_views_come_back_to_where_the_cell_is() -> None:
    image = np.zeros((96, 128, 3), np.uint8)
    image[10:30, 20:60, 0] = 255
    assert all(np.array_equal(fusion.mirrored(fusion.mirrored(image, view), view), image) for view in fusion.VIEWS)
    four = fusion.look_four_ways(lambda seen: detect(blobs, seen, 1.0, 128), image)
    assert len(four) == 4
    for item in four:
        assert item.boxes.tolist() == [[20, 10, 60, 30]]


def test_two_equal_boxes_of_two_views_are_one_with_their_mean_score() -> None:
    one = fusion.weighted_box_clustering([found((0, 0, 10, 10, 0.8)), found((0, 0, 10, 10, 0.4))])
    assert one.boxes.tolist() == [[0, 0, 10, 10]]
    assert one.top.tolist() == pytest.approx([0.6])


def test_scores_and_places_follow_the_equation() -> None:
    """Two members: (0, 0, 10, 10) with 0.9, and (0, 0, 10, 8) with 0.6, whose IoU with it is 0.8 and area 80."""
    parts = [found((0, 0, 10, 10, 0.9)), found((0, 0, 10, 8, 0.6)), found((50, 50, 60, 60, 0.3))]
    first, second = fusion.weighted_box_clustering(parts)[np.array([0])], fusion.weighted_box_clustering(parts)
    w1, w2 = 1.0 * 100, 0.8 * 80
    score = (0.9 * w1 + 0.6 * w2) / (w1 + w2 + 1 * (w1 + w2) / 2)  # one of three predictions is missing
    bottom = (10 * 0.9 * w1 + 8 * 0.6 * w2) / (0.9 * w1 + 0.6 * w2)
    assert first.top.tolist() == pytest.approx([score])
    assert first.boxes[0].tolist() == pytest.approx([0, 0, 10, bottom])
    assert second.top.tolist() == pytest.approx([score, 0.1])  # seen by one of three


def test_what_one_of_twenty_saw_keeps_a_twentieth_of_its_score() -> None:
    empty = Detections(np.zeros((0, 4), np.float32), np.zeros((0, 1), np.float32), np.zeros((0, 0), np.float32))
    twenty = [found((0, 0, 10, 10, 0.8)), *[empty] * 19]
    assert fusion.weighted_box_clustering(twenty).top.tolist() == pytest.approx([0.04])
    assert len(fusion.weighted_box_clustering(twenty, least=0.05)) == 0


def test_classes_are_clustered_apart_and_keep_all_scores() -> None:
    parts = [found((0, 0, 10, 10, 0.8, 0.1)), found((0, 0, 10, 10, 0.2, 0.6))]
    both = fusion.weighted_box_clustering(parts)
    assert both.labels.tolist() == [0, 1]
    assert both.scores[0].tolist() == pytest.approx([0.4, 0.05])
    with pytest.raises(ValueError, match="same classes"):
        fusion.weighted_box_clustering([found((0, 0, 1, 1, 0.5)), found((0, 0, 1, 1, 0.5, 0.5))])
    with pytest.raises(ValueError, match="at least one"):
        fusion.weighted_box_clustering([])


def test_an_ensemble_looks_four_ways_with_every_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.zeros((96, 128, 3), np.uint8)
    image[10:30, 20:60, 0] = 255
    Image.fromarray(image).save(tmp_path / "f.png")
    asked: list[DetectRequest] = []

    def call(verb: str, request: DetectRequest) -> dict[str, Detections]:
        asked.append(request)
        pictures = {one.key: np.asarray(Image.open(one.path)) for one in request.fields}
        return {key: detect(blobs, picture, 1.0, 128) for key, picture in pictures.items()}

    monkeypatch.setattr(registry, "call", call)
    record = FieldRecord("f", str(tmp_path / "f.png"), 128, 96, 1.0)
    requests = [DetectRequest(name, (record,), "unused", 128) for name in ("a.pt", "b.pt")]
    heard: list[tuple[int, int]] = []
    report: Callable[[int, int], None] = lambda done, total: heard.append((done, total))  # noqa: E731
    answer = ensemble.detect(requests, tmp_path / "out.npz", report=report)
    assert [request.model for request in asked] == ["a.pt", "b.pt"] * 4
    assert heard[-1] == (8, 8)
    assert answer["f"].boxes.tolist() == [[20, 10, 60, 30]]
    assert answer["f"].top == pytest.approx(detect(blobs, image, 1.0, 128).top)
    assert (tmp_path / "out.npz").exists()
