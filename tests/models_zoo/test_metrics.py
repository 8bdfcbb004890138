"""AP, thresholds and matching against references: pycocotools, and a brute force written the slow way."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models_zoo.detections import Detections, nothing
from models_zoo.metrics import Rule, Truth, best_threshold, compare, evaluate
from models_zoo.metrics.matching import lay_out
from models_zoo.metrics.rule import Floats

Truths = dict[str, Truth]
Found = dict[str, Detections]


def detections(
    boxes: NDArray[np.floating],
    labels: Sequence[int] | NDArray[np.integer],
    scores: Sequence[float] | Floats,
    classes: int,
) -> Detections:
    """Each detection has its score in the column of its label, a little in the others."""
    table = np.full((len(boxes), classes), 0.0005, np.float32)
    table[np.arange(len(boxes)), np.asarray(labels, np.intp)] = scores
    return Detections(np.asarray(boxes, np.float32).reshape(-1, 4), table, np.zeros((len(boxes), 0), np.float32))


def world(
    seed: int, *, fields: int = 5, classes: int = 4, cells: int = 12, coarse: bool = False
) -> tuple[Truths, Found]:
    """Fields with crowded cells, doubled, shifted and misnamed detections. The last class has no truth.

    `coarse`: whole numbers and few score levels, so that equal IoUs, IoUs of exactly 0.5 and equal scores abound.
    """
    random = np.random.default_rng(seed)
    truths, found = {}, {}
    for number in range(fields):
        corner = random.integers(0, 30, (random.integers(0, cells + 1), 2)).astype(float)
        size = random.integers(2, 9, corner.shape).astype(float)
        boxes = np.hstack([corner, corner + size])
        labels = random.integers(0, classes - 1, len(boxes))
        picked = random.integers(0, max(1, len(boxes)), random.integers(0, 3 * len(boxes) + 1) if len(boxes) else 0)
        shifted = boxes[picked] + (
            random.integers(-1, 2, (len(picked), 4)) if coarse else random.normal(0, 0.8, (len(picked), 4))
        )
        shifted[:, 2:] = np.maximum(shifted[:, 2:], shifted[:, :2] + (0 if coarse else 0.1))
        named = np.where(random.random(len(picked)) < 0.7, labels[picked], random.integers(0, classes, len(picked)))
        scores = random.choice([0.25, 0.5, 0.75], len(picked)) if coarse else random.uniform(0.001, 1, len(picked))
        truths[f"field{number}"] = Truth(boxes, labels, f"case{number % 3}")
        found[f"field{number}"] = detections(shifted, named, scores, classes)
    return truths, found


def pycocotools_ap(
    truths: Mapping[str, Truth], found: Mapping[str, Detections], classes: int, iou: float
) -> list[float]:
    """AP of each class, -1 where it has no truth. Boxes go over as x, y, width, height in double precision."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def wide(box: Floats) -> list[float]:
        x0, y0, x1, y1 = (float(value) for value in box)
        return [x0, y0, x1 - x0, y1 - y0]

    annotations: list[dict[str, object]] = []
    results = []
    for image, (key, truth) in enumerate(truths.items(), 1):
        for box, label in zip(truth.boxes, truth.labels, strict=True):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": int(label) + 1, "bbox": wide(box)}
                | {"area": float(np.prod(box[2:] - box[:2])), "iscrowd": 0}
            )
        item = found[key]
        for box, label, score in zip(item.boxes, item.labels, item.top, strict=True):
            results.append({"image_id": image, "category_id": int(label) + 1, "bbox": wide(box), "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(1, len(truths) + 1)],
            "categories": [{"id": label + 1, "name": str(label)} for label in range(classes)],
            "annotations": annotations,
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(results), "bbox")
        judge.params.iouThrs = np.array([iou])
        judge.params.maxDets = [1000]
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.evaluate()
        judge.accumulate()
    return [float(judge.eval["precision"][0, :, label, 0, 0].mean()) for label in range(classes)]


def names(classes: int) -> list[str]:
    return [f"class{number}" for number in range(classes)]


@pytest.mark.parametrize("iou", [0.5, 0.75])
@pytest.mark.parametrize("coarse", [False, True], ids=["continuous", "ties"])
def test_ap_is_that_of_pycocotools(coarse: bool, iou: float) -> None:
    for seed in range(40):
        truths, found = world(seed, coarse=coarse)
        if not sum(map(len, found.values())):
            continue
        expected = pycocotools_ap(truths, found, 4, iou)
        report = evaluate(truths, found, names(4), iou=iou, resamples=0)
        for value, row in zip(expected, report.per_class.values(), strict=True):
            assert (row.ap50 is None) == (value == -1)
            assert row.ap50 is None or row.ap50 == pytest.approx(value, abs=1e-6)
        present = [value for value in expected if value > -1]
        assert report.ap50 == pytest.approx(np.mean(present), abs=1e-6)
        assert report.ap_by_iou[f"{iou:.2f}"] == pytest.approx(report.ap50, abs=1e-12)


def test_ap_is_that_of_pycocotools_beyond_1000_detections_of_a_class() -> None:
    random = np.random.default_rng(0)
    corner = random.uniform(0, 2000, (500, 2))
    boxes = np.hstack([corner, corner + random.uniform(20, 40, (500, 2))])
    labels = random.integers(0, 2, 500)
    picked = random.integers(0, 500, 2600)
    item = detections(boxes[picked] + random.normal(0, 4, (2600, 4)), labels[picked], random.random(2600), 2)
    truths, found = {"a": Truth(boxes, labels)}, {"a": item}
    assert max(np.bincount(item.labels)) > 1000
    expected = np.mean(pycocotools_ap(truths, found, 2, 0.5))
    assert evaluate(truths, found, names(2)).ap50 == pytest.approx(expected, abs=1e-6)


def test_of_equally_close_cells_the_later_is_taken_as_pycocotools_does() -> None:
    left, right = [0.0, 0, 10, 10], [4.0, 0, 14, 10]
    # the first detection lies half way; the second can only be the left cell
    found = {"a": detections(np.array([[2.0, 0, 12, 10], left]), [0, 0], [0.9, 0.8], 1)}
    for cells, perfect in (([left, right], True), ([right, left], False)):
        truths = {"a": Truth(np.array(cells), np.array([0, 0]))}
        ap = evaluate(truths, found, ["cell"]).ap50
        assert (ap == 1) == perfect
        assert ap == pytest.approx(pycocotools_ap(truths, found, 1, 0.5)[0], abs=1e-6)


def slow_matches(truth: Truth, item: Detections, distance: float | None) -> list[int]:
    """Centre matching of one field, written as it is spoken: which true cell each detection takes, -1 for none."""
    free, result = set(range(len(truth.boxes))), [-1] * len(item)
    for index in sorted(range(len(item)), key=lambda i: -item.top[i]):
        best = None
        for cell in sorted(free):
            x0, y0, x1, y1 = truth.boxes[cell]
            a0, b0, a1, b1 = (float(value) for value in item.boxes[index])
            apart = (((x0 + x1) / 2 - (a0 + a1) / 2) ** 2 + ((y0 + y1) / 2 - (b0 + b1) / 2) ** 2) ** 0.5
            limit = distance if distance is not None else ((x1 - x0) + (y1 - y0)) / 4 / 2
            same = truth.labels[cell] == item.labels[index]
            if same and apart <= limit and (best is None or apart <= best[0]):
                best = (apart, cell)
        if best:
            result[index] = best[1]
            free.remove(best[1])
    return result


@pytest.mark.parametrize("distance", [None, 1.5, 6.0])
def test_centre_matching_is_that_of_a_brute_force(distance: float | None) -> None:
    for seed in range(25):
        truths, found = world(seed, fields=1)
        rule = Rule("centre", distance_px=distance)
        layout = lay_out(truths, found, rule, 4)
        order = np.argsort(-found["field0"].top, kind="stable")
        expected = np.array(slow_matches(truths["field0"], found["field0"], distance), int)[order]
        assert layout.matches(rule.least).tolist() == expected.tolist()


def test_the_brink_of_a_match_counts_as_one() -> None:
    truths = {"a": Truth(np.array([[0.0, 0, 8, 8]]), np.array([0]))}
    half = {"a": detections(np.array([[0.0, 0, 8, 4]]), [0], [0.9], 1)}
    less = {"a": detections(np.array([[0.0, 0, 8, 3.99]]), [0], [0.9], 1)}
    assert evaluate(truths, half, ["cell"]).ap50 == 1
    assert evaluate(truths, less, ["cell"]).ap50 == 0
    # radius (8 + 8) / 4 = 4, so centres may be 2 px apart
    for shift, ap in ((2.0, 1), (2.01, 0)):
        moved = {"a": detections(np.array([[shift, 0, 8 + shift, 8]]), [0], [0.9], 1)}
        report = evaluate(truths, moved, ["cell"], match="centre")
        assert (report.ap50, report.match.kind, report.match.iou, report.ap_by_iou) == (ap, "centre", None, {})
        assert "half the true cell's radius" in report.match.rule
    assert evaluate(truths, moved, ["cell"], match="centre", distance_px=3).ap50 == 1


def test_a_place_without_a_claim_is_neither_right_nor_wrong() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [50, 50, 60, 60]])
    found = {"a": detections(boxes, [0, 0], [0.8, 0.9], 1)}
    report = evaluate({"a": Truth(boxes, np.array([0, -1]))}, found, ["cell"], threshold=0.1)
    assert (report.objects, report.detections, report.precision, report.ap50) == (1, 1, 1, 1)
    assert report.confusion.counts == [[1, 0], [0, 0]]
    assert evaluate({"a": Truth(boxes[:1], np.array([0]))}, found, ["cell"], threshold=0.1).precision == 0.5


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["iou", "centre"]))
def test_perfect_detections_are_perfect(seed: int, kind: str) -> None:
    truths, _ = world(seed)
    random = np.random.default_rng(seed)
    truths = {key: Truth(*distinct(item)) for key, item in truths.items()}
    found = {key: detections(t.boxes, t.labels, random.uniform(0.3, 1, len(t.labels)), 4) for key, t in truths.items()}
    report = evaluate(truths, found, names(4), match=kind, distance_px=0.1)  # type: ignore[arg-type]
    if report.objects:
        assert (report.ap50, report.f1, report.precision, report.recall, report.found) == (1, 1, 1, 1, 1)
        assert report.macro == {"precision": 1, "recall": 1, "f1": 1}
        assert all(end == 1 for ends in report.intervals.values() if ends for end in ends)
        assert report.intervals["ap50"] is not None or report.cases < 2


def distinct(truth: Truth) -> tuple[Floats, np.ndarray]:
    boxes, index = np.unique(truth.boxes.reshape(-1, 4), axis=0, return_index=True)
    return boxes, truth.labels[index]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_what_is_given_changes_nothing(seed: int) -> None:
    truths, found = world(seed)
    truths = {key: Truth(*distinct(item), item.case) for key, item in truths.items()}  # equal boxes tie by order
    random = np.random.default_rng(seed + 1)
    keys = [str(key) for key in random.permutation(list(truths))]
    mixed_truths, mixed_found = {}, {}
    for key in keys:
        cells, order = random.permutation(len(truths[key].labels)), random.permutation(len(found[key]))
        mixed_truths[key] = Truth(truths[key].boxes[cells], truths[key].labels[cells], truths[key].case)
        mixed_found[key] = found[key][order]
    first, second = evaluate(truths, found, names(4)).as_dict(), evaluate(mixed_truths, mixed_found, names(4)).as_dict()
    assert json.loads(json.dumps(first), parse_float=rounded) == json.loads(json.dumps(second), parse_float=rounded)


def rounded(text: str) -> float:
    return round(float(text), 9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), score=st.floats(0.01, 1), label=st.integers(0, 3))
def test_a_false_alarm_never_helps(seed: int, score: float, label: int) -> None:
    truths, found = world(seed)
    alarm = detections(np.array([[500.0, 500, 510, 510]]), [label], [score], 4)
    item = found["field0"]
    more = found | {
        "field0": Detections(
            *(np.concatenate([getattr(item, n), getattr(alarm, n)]) for n in ("boxes", "scores", "features"))
        )
    }
    before, after = (evaluate(truths, each, names(4), threshold=0.3, resamples=0) for each in (found, more))
    for figure in ("precision", "f1", "ap50", "recall", "found"):
        old, new = getattr(before, figure), getattr(after, figure)
        assert old is None or new <= old + 1e-12
    assert after.confusion.counts[-1][label] - before.confusion.counts[-1][label] == (np.float32(score) >= 0.3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), coarse=st.booleans())
def test_the_best_threshold_is_the_highest_with_the_best_f1(seed: int, coarse: bool) -> None:
    truths, found = world(seed, fields=2, coarse=coarse)
    levels = sorted({float(score) for item in found.values() for score in item.top})
    f1 = [evaluate(truths, found, names(4), threshold=level, resamples=0).f1 or 0 for level in levels]
    if not any(f1):
        assert best_threshold(truths, found) == 0.25
        return
    chosen = best_threshold(truths, found)
    assert chosen == max(level for level, value in zip(levels, f1, strict=True) if value == max(f1))
    here = evaluate(truths, found, names(4), resamples=0)
    assert (here.threshold, here.threshold_from) == (chosen, "these fields")
    assert evaluate(truths, found, names(4), threshold=chosen, resamples=0).threshold_from == "given"


def test_the_table_and_the_confusion_matrix_count_a_worked_example() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]])
    truths = {"a": Truth(boxes, np.array([0, 0, 1, 1]), "one"), "b": Truth(np.zeros((0, 4)), np.zeros(0, int), "two")}
    seen = np.vstack([boxes[:3], [[0, 50, 10, 60]], boxes[:1]])
    # right, right, named wrongly, nothing there, seen twice; and one below the threshold
    found = {
        "a": detections(seen, [0, 0, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5], 3),
        "b": detections(boxes[:1], [2], [0.1], 3),
    }
    report = evaluate(truths, found, ["blast", "band", "mast"], threshold=0.4)
    assert report.confusion.truth == ["blast", "band", "mast", "false alarm"]
    assert report.confusion.found == ["blast", "band", "mast", "missed"]
    assert report.confusion.counts == [[2, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0]]
    blast, band, mast = report.per_class.values()
    assert (blast.truths, blast.detections, blast.tp, blast.fp, blast.fn) == (2, 4, 2, 2, 0)
    assert (blast.precision, blast.recall, blast.ap50) == (0.5, 1, 1)
    assert (band.tp, band.fp, band.fn, band.precision, band.recall, band.f1, band.ap50) == (0, 1, 2, 0, 0, 0, 0)
    assert (mast.truths, mast.precision, mast.recall, mast.f1, mast.ap50) == (0, None, None, None, None)
    assert (report.precision, report.recall, report.f1, report.found) == (2 / 5, 2 / 4, 4 / 9, 3 / 4)
    assert report.macro == {"precision": 0.25, "recall": 0.5, "f1": pytest.approx(1 / 3)}
    assert (report.fields, report.cases, report.objects, report.detections, report.ap50) == (2, 2, 4, 5, 0.5)
    assert set(report.curves) == {"blast", "band"}
    assert report.curves["blast"] == [1.0] * 101
    # at 0.85 the second blast is found only below the threshold, and so is missed
    assert evaluate(truths, found, ["blast", "band", "mast"], threshold=0.85).confusion.counts[0] == [1, 0, 0, 1]
    assert best_threshold(truths, {"a": nothing(3), "b": found["b"]}) == 0.25


def test_what_the_data_cannot_tell_is_null() -> None:
    truths = {"a": Truth(np.zeros((0, 4)), np.zeros(0, int))}
    report = evaluate(truths, {"a": nothing(2)}, names(2))
    plain = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    for key in ("ap50", "f1", "precision", "recall", "found"):
        assert plain[key] is None
    assert plain["threshold"] == 0.25
    assert plain["intervals"] == {"ap50": None, "f1": None, "precision": None, "recall": None}
    assert plain["calibration"]["d_ece"] is None
    verdict = compare(truths, {"a": nothing(2)}, {"a": nothing(2)}, names(2))
    assert (verdict.difference, verdict.interval, verdict.better) == (None, None, None)
    truths = {"a": Truth(np.array([[0.0, 0, 9, 9]]), np.array([0]))}
    report = evaluate(truths, {"a": nothing(2)}, names(2))
    assert (report.ap50, report.recall, report.f1, report.precision) == (0, 0, 0, None)


def test_faulty_input_is_refused_in_plain_words() -> None:
    cell = Truth(np.array([[0.0, 0, 9, 9]]), np.array([0]))
    with pytest.raises(ValueError, match="first is 'b'"):
        evaluate({"a": cell, "b": cell}, {"a": nothing(1)}, ["cell"])
    with pytest.raises(ValueError, match=r"field 'a': scores of shape \(1, 1\) do not fit 2"):
        evaluate({"a": cell}, {"a": detections(cell.boxes, [0], [0.5], 1)}, names(2))
    with pytest.raises(ValueError, match="true labels 1 to 1"):
        evaluate({"a": Truth(cell.boxes, np.array([1]))}, {"a": nothing(1)}, ["cell"])
    with pytest.raises(ValueError, match="give one a box"):
        evaluate({"a": Truth(cell.boxes, np.array([0, 0]))}, {"a": nothing(1)}, ["cell"])
    with pytest.raises(ValueError, match="must differ"):
        evaluate({"a": cell}, {"a": nothing(2)}, ["cell", "cell"])
    for fault in ({"kind": "area"}, {"iou": 0.0}, {"distance_px": 0.0}):
        with pytest.raises(ValueError, match="choose"):
            Rule(**fault)
