"""Judging keeps what a model found beside its weights, on every labelled field that it may look at."""

from __future__ import annotations

import pytest

from learning.found.tables import Found
from learning.models import ModelVersion
from learning.steps import judging
from tests.learning import rows
from tests.learning.play import begin, play
from tests.learning.zoo import FakeZoo

pytestmark = pytest.mark.django_db


def test_both_models_of_a_round_keep_what_they_found(zoo: FakeZoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(judging.MOST_TRAINING, "cpu", 4)
    owner = rows.study(training=6, pool=3, held_out=2)
    play(begin(owner))
    for label in ("t1", "s1"):
        model = ModelVersion.objects.get(project=owner, label=label)
        found = Found.open(model.path)
        assert found is not None
        assert found.about.looked == {"training": (4, 6), "validation": (2, 2), "tuning": (2, 2), "test": (2, 2)}
        assert found.about.threshold == model.threshold
        assert found.about.names == tuple(model.card["classes"])
        assert len(found) == 10
        assert len(found.labels) == 80
        assert (found.detections["match"] >= 0).all(), "this one finds every cell where it is labelled"


def test_curves_are_kept_with_few_digits(zoo: FakeZoo) -> None:
    owner = rows.study(training=6, pool=3, held_out=2)
    play(begin(owner), runs=1)
    report = ModelVersion.objects.get(project=owner).metrics["tuning"]
    assert report["per_class"]["seg"]["cases"] == 2
    assert set(report["curves"]) == {"seg", "myc"}
    assert judging.compact({"curves": {"seg": [2 / 3]}, "ap50": 2 / 3}) == {"curves": {"seg": [0.6667]}, "ap50": 2 / 3}
