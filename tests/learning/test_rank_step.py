"""Ranking from rows: what stands in the pool, calibrated and normalised; what is asked for and what is set aside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytest_django import Settings

from annotation.models import Field, Project
from learning import exchange, strategies
from learning.models import ModelVersion, Run
from learning.states import Step
from learning.steps import pool, rank
from learning.steps.context import Context
from learning.steps.looking import Looker
from learning.steps.pool import rank_pool
from learning.strategies import Choice, Pool, Ranking
from models_zoo.detections import Detections
from models_zoo.metrics import Calibrator
from models_zoo.records import FieldRecord
from tests.learning import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

SEG, MYC = 0, 1


def eyes_of(owner: Project) -> ModelVersion:
    """A teacher of two classes, with calibration and a known quality of one of them."""
    numbers = dict(owner.classes.values_list("key", "number"))
    names = ["seg", "myc"]
    return rows.model(
        owner,
        classes=[numbers[name] for name in names],
        card={
            "classes": names,
            "class_map": {str(number): names.index(key) if key in names else -1 for key, number in numbers.items()},
            "cell_px": 40.0,
            "median_px": 20.0,
            "fill_px": 128,
        },
        calibration={"slope": 2.0, "intercept": -1.0},
        metrics={"tuning": {"per_class": {"seg": {"ap50": 0.8}, "myc": {"ap50": None}}}},
    )


def found(scores: Sequence[Sequence[float]], feature: Sequence[float] = (3.0, 4.0)) -> Detections:
    boxes = np.array([[10 * i, 10, 10 * i + 20, 30] for i in range(len(scores))], np.float32).reshape(-1, 4)
    features = np.tile(np.array(feature, np.float32), (len(scores), 1))
    return Detections(boxes, np.array(scores, np.float32).reshape(-1, 2), features)


class Planted:
    """Stands in for looking.look: what is planted for a field, else nothing; notes who was looked at."""

    def __init__(self, planted: dict[int, Detections]) -> None:
        self.planted, self.looked = planted, list[list[int]]()

    def __call__(self, _: Looker, records: Sequence[FieldRecord], *__: Any, **___: Any) -> dict[str, Detections]:
        self.looked.append([int(record.key) for record in records])
        return {record.key: self.planted.get(int(record.key), found([])) for record in records}


def context_of(owner: Project, **settings: Any) -> Context:
    run = rows.run_of(owner, Step.RANK, state="running", attempt=1)
    Run.objects.filter(pk=run.pk).update(settings=run.settings | {"device": "cpu"} | settings)
    run.refresh_from_db()
    return Context(run)


def pool_of(owner: Project, planted: Planted, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Pool:
    """The pool that the strategy is handed."""
    handed: list[Pool] = []

    def keep(given: Pool) -> Ranking:
        handed.append(given)
        return Ranking((), ())

    monkeypatch.setattr(pool, "look", planted)
    monkeypatch.setitem(strategies.STRATEGIES, "hybrid", keep)
    rank_pool(context_of(owner, **settings), eyes_of(owner))
    return handed[0]


def test_the_pool_is_sorted_by_field_calibrated_and_normalised(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = rows.study(training=2, pool=3, held_out=0)
    first, second, third = Field.objects.filter(project=owner).pool().order_by("pk")
    labelled = Field.objects.filter(project=owner).labelled().order_by("pk")[0]
    planted = {
        first.pk: found([[0.2, 0.1], [0.9, 0.3]]),
        third.pk: found([[0.1, 0.6]], (0.0, 2.0)),
        labelled.pk: found([[0.5, 0.5]], (1.0, 0.0)),
    }
    made = pool_of(owner, Planted(planted), monkeypatch, budget=2, seed=7)
    assert made.keys == (str(first.pk), str(second.pk), str(third.pk))
    assert made.field.tolist() == [0, 0, 2]
    calibrated = Calibrator(slope=2.0, intercept=-1.0)
    raw = np.array([[0.9, 0.3], [0.2, 0.1], [0.1, 0.6]], np.float32)
    np.testing.assert_allclose(made.scores, calibrated(raw), rtol=1e-5, err_msg="the surest first")
    assert not np.allclose(made.scores, raw)
    np.testing.assert_allclose(made.embedding, np.array([[0.6, 0.8], [0, 0], [0, 1]]), rtol=1e-5)
    np.testing.assert_allclose(made.labelled_embedding, np.array([[1, 0], [0, 0]]), rtol=1e-5)
    scale = exchange.scale_of(exchange.Working(40.0, 20.0), None, 200)
    assert scale == 2.0
    np.testing.assert_allclose(made.boxes[1], np.array([0, 20, 40, 60]), err_msg="in working pixels")
    assert made.classes == ("segmented neutrophil", "myelocyte")
    assert made.class_counts.tolist() == [12, 4]
    assert made.class_quality[SEG] == pytest.approx(0.8)
    assert np.isnan(made.class_quality[MYC])
    assert (made.budget, made.seed) == (2, 7)
    assert made.quality == (None, None, None)


def test_of_a_crowded_field_the_surest_detections_are_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = rows.study(training=1, pool=1, held_out=0)
    (field,) = Field.objects.filter(project=owner).pool()
    scores = np.linspace(0.06, 0.95, pool.MOST_PER_FIELD + 20)
    made = pool_of(owner, Planted({field.pk: found([[s, 0.0] for s in scores])}), monkeypatch)
    assert len(made.scores) == pool.MOST_PER_FIELD
    least = Calibrator(slope=2.0, intercept=-1.0)(np.array([scores[20]], np.float32))
    assert made.scores[:, SEG].min() == pytest.approx(float(least[0]), rel=1e-4)


def test_labels_kept_aside_leave_a_field_in_the_pool_and_labelled_or_held_out_ones_are_not_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = rows.study(training=2, pool=2, held_out=1)
    spare = [field for split in ("validation", "tuning", "test") for field in rows.pool_fields(owner, 1, split)]
    planted = Planted({})
    made = pool_of(owner, planted, monkeypatch)
    sealed = Field.objects.filter(project=owner, readings__source="oracle").values_list("pk", flat=True)
    assert made.keys == tuple(str(key) for key in sorted(sealed))
    seen = {key for looked in planted.looked for key in looked}
    assert not seen & {field.pk for field in spare}
    assert not seen & set(Field.objects.filter(project=owner).exclude(split="training").values_list("pk", flat=True))


@pytest.mark.parametrize("strategy", ["random", "coverage", "uncertainty", "uncertainty_rarity", "hybrid"])
def test_no_strategy_asks_for_held_out_fields_once_those_splits_are_full(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = rows.study(training=2, pool=4, held_out=1)
    for split in ("validation", "tuning", "test"):
        list(rows.pool_fields(owner, 2, split))
    eyes_of(owner)
    fields = Field.objects.filter(project=owner).pool()
    planted = {field.pk: found([[0.1 + 0.2 * i, 0.3]]) for i, field in enumerate(fields)}
    monkeypatch.setattr(pool, "look", Planted(planted))
    round_ = rows.round_of(owner, "ranking")
    context = context_of(owner, strategy=strategy, budget=10)
    context.run.round = round_
    publish = rank.perform(context)
    result = publish()
    assert round_.batch is not None
    assert (round_.batch.strategy, round_.batch.model_label) == (strategy, "t1")
    asked = [row.field for row in round_.batch.fields.select_related("field")]
    assert {field.pk for field in asked} == {field.pk for field in fields}
    assert result == {"batch": 4, "strategy": strategy, "set_aside": []}
    assert [row.rank for row in round_.batch.fields.all()] == [1, 2, 3, 4]
    assert all(row.reason for row in round_.batch.fields.all())
    publish()
    assert owner.batches.count() == 1, "published twice it stays as it is"


def test_blank_and_double_pictures_are_reported_instead_of_asked_for(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    owner = rows.study(training=2, pool=12, held_out=0)
    blank, double, *good = Field.objects.filter(project=owner).pool().order_by("pk")
    Image.new("RGB", (blank.width, blank.height), (230, 225, 228)).save(home / "images" / blank.file)
    twin = Field.objects.filter(project=owner).labelled().order_by("pk")[0]
    with Image.open(home / "images" / twin.file) as seen:
        seen.point(lambda value: value * 0.97).save(home / "images" / double.file)  # the same place, a little darker
    monkeypatch.setattr(pool, "look", Planted({}))
    asked, aside, _ = rank_pool(context_of(owner, budget=20), eyes_of(owner))
    assert {item.field.pk for item in asked} == {field.pk for field in good}
    assert {item["field"]: item["reason"].split()[0] for item in aside} == {
        blank.public_name: "blank",
        double.public_name: "duplicate",
    }
    assert twin.public_name in next(item["reason"] for item in aside if item["field"] == double.public_name)


def test_without_a_model_or_starter_weights_the_start_is_cold(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, home: Path
) -> None:
    settings.STARTER_WEIGHTS_DIR = home / "starter"
    owner = rows.study(training=0, pool=3, held_out=0)
    monkeypatch.setattr(pool, "look", refuse)
    asked, _, strategy = rank_pool(context_of(owner, budget=2), None)
    assert strategy == "coverage"
    assert len(asked) == 2
    _, _, strategy = rank_pool(context_of(owner, budget=2, strategy="random"), None)
    assert strategy == "random"


def refuse(*_: Any, **__: Any) -> dict[str, Detections]:
    raise AssertionError("there is nobody to look")


def test_the_answer_of_a_strategy_becomes_the_batch_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = rows.study(training=1, pool=3, held_out=0)
    first, second, third = Field.objects.filter(project=owner).pool().order_by("pk")

    def answer(given: Pool) -> Ranking:
        return Ranking(
            (Choice(str(third.pk), 0.9, "many blasts"), Choice(str(first.pk), 0.2, "far from all")),
            (Choice(str(second.pk), 0.0, "stands alone"),),
        )

    monkeypatch.setattr(pool, "look", Planted({}))
    monkeypatch.setitem(strategies.STRATEGIES, "hybrid", answer)
    asked, aside, _ = rank_pool(context_of(owner), eyes_of(owner))
    assert [(item.field, item.score, item.reason) for item in asked] == [
        (third, 0.9, "many blasts"),
        (first, 0.2, "far from all"),
    ]
    assert aside == [{"field": second.public_name, "reason": "stands alone"}]
