"""The page of families: both matchings, curves, classes and cost of a project's models, and the same as CSV."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from django.core.cache import cache

from learning.found.families import measure
from learning.found.tables import Found
from learning.steps.cost import cost_of
from models_zoo.cost import parameters_in
from tests.cast import Cast
from tests.learning import findings, rows
from tests.learning.findings import Script

BASE = "/projects/study/models/families/"


@pytest.fixture
def study(cast: Cast, home: Path) -> Cast:
    """t1 finds everything; t2, of another family, misses two cells; t3 was made before findings were kept."""
    cache.clear()
    made = findings.fields(cast.project, ["tuning", "tuning", "test"])
    findings.model(cast.project, "t1")
    two = findings.model(cast.project, "t2", {made[0].pk: Script(missed=[0, 1])}, variant="retinanet")
    two.card |= {"cost": {"parameters": 2_500_000, "cpu": 0.25}}
    two.save()
    rows.model(cast.project, "t3")
    return cast


@pytest.mark.django_db
def test_models_stand_by_family_with_both_matchings_and_their_cost(study: Cast) -> None:
    answer = study.client("ana").get(BASE)
    text = re.sub(r"\s+", " ", answer.content.decode())
    lines = re.findall(r"<tr> <td>(\w+)</td> <th scope=\"row\"> <a href=\"[^\"]*\">(\w+)</a> </th>(.*?)</tr>", text)
    assert [(family, label) for family, label, _ in lines] == [("retinanet", "t2"), ("yolo", "t1"), ("yolo", "t3")]
    values = {label: re.findall(r"number\">([^<]*)<", rest) for _, label, rest in lines}
    assert values["t1"] == ["1.000"] * 4 + ["\N{EN DASH}"] * 3
    assert values["t2"][0] == values["t2"][2] == "0.933", "14 of 16 found, none wrong: 2 x 14 / (2 x 14 + 2)"
    assert values["t2"][4:] == ["2.50", "0.250", "\N{EN DASH}"]
    assert values["t3"] == ["\N{EN DASH}"] * 7
    assert "Not for use in diagnostic procedures" in text
    assert "compare/?a=t2&amp;b=t1" in text
    assert study.client("otto").get(BASE).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["?split=test&match=centre&model=t1", "?split=x&match=y&model=t9&model=%01", ""])
def test_any_question_is_answered(study: Cast, query: str) -> None:
    text = study.client("ana").get(BASE + query).content.decode()
    assert "Precision against recall" in text
    assert ("t2 F1" in text) is ("model=t1" not in query)


@pytest.mark.django_db
def test_the_csv_holds_every_model_matching_and_class(study: Cast) -> None:
    answer = study.client("ana").get("/projects/study/models/families.csv?split=tuning")
    assert answer["Content-Type"].startswith("text/csv")
    read = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["model"], row["matching"], row["class"]) for row in read if row["class"] == "all"] == [
        ("t2", "iou", "all"),
        ("t2", "centre", "all"),
        ("t1", "iou", "all"),
        ("t1", "centre", "all"),
        ("t3", "not measured", "all"),
    ]
    assert len(read) == 5 + 4 * 2, "two classes for each matching of two models"
    assert read[0]["cells"] == "16"
    assert read[0]["parameters"] == "2500000"


@pytest.mark.django_db
def test_what_is_measured_again_agrees_with_what_stood_on_the_model(study: Cast) -> None:
    model = study.project.models.get(label="t2")
    found = Found.open(model.path)
    assert found is not None
    measured = measure(found, "tuning")
    assert measured is not None
    for name in ("ap50", "f1", "precision", "recall"):
        assert measured.by_matching["iou"][name] == pytest.approx(model.metrics["tuning"][name])
    assert measure(found, "validation") is None


def test_a_cost_counts_the_parameters_of_the_file(tmp_path: Path) -> None:
    weights = [onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in _SHAPES.items()]
    graph = onnx.helper.make_graph([], "nothing", [], [], initializer=weights)
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "weights.onnx"))
    assert cost_of(tmp_path, "cpu", 0.5) == {"parameters": 16, "cpu": 0.5}
    assert cost_of(tmp_path, "0", 0.5) == {"parameters": 16, "gpu": 0.5}
    assert cost_of(tmp_path, "0", None) == {"parameters": 16}
    (tmp_path / "weights.onnx").write_bytes(b"no model")
    assert parameters_in(tmp_path) is None


_SHAPES = {"kernel": (3, 4), "bias": (4,)}
