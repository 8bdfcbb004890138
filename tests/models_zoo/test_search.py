"""The search, with a family whose worth is a formula: what is tried, what is fixed when, and that test is seen once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models_zoo import detections, registry
from models_zoo.detections import Detections
from models_zoo.records import DetectRequest, FieldRecord, Target, TrainRequest, TrainResult, to_json
from models_zoo.search.request import SearchRequest
from models_zoo.search.run import search
from models_zoo.search.spaces import defaults, space
from models_zoo.spec import Parameter, Preset, Spec

CELLS = [(x, y, x + 20.0, y + 20.0) for x in range(0, 200, 40) for y in range(0, 80, 40)]
TARGETS = tuple(Target("box", cell, 0) for cell in CELLS)


def fields(name: str, count: int) -> tuple[FieldRecord, ...]:
    return tuple(FieldRecord(f"{name}{n}", "none.png", 220, 100, 1.0, f"{name}{n}", TARGETS) for n in range(count))


class Family:
    """Its boxes are shifted by |skill - 0.8| of their side: at 0.8 they are right. A depth of 9 cannot be trained."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trained: list[TrainRequest] = []
        self.looked: list[DetectRequest] = []
        self.stop_at = 0
        parameters = (
            Parameter("skill", 0.3, "how well it sees", low=0.0, high=1.0),
            Parameter("depth", 3, "of the network", choices=(3, 9)),
            Parameter("name", "x", "cannot be searched"),
        )
        spec = Spec("made", ("made",), "", "", "", "", "", 64, Preset("made", 64, 1, 2), parameters=parameters)
        monkeypatch.setattr(registry, "spec", lambda _: spec)
        monkeypatch.setattr(registry, "call", self.call)

    def call(self, verb: str, request: Any) -> Any:
        return self.train(request) if verb == "train" else self.detect(request)

    def train(self, request: TrainRequest) -> TrainResult:
        self.trained.append(request)
        if self.stop_at and len(self.trained) == self.stop_at:
            raise KeyboardInterrupt
        if request.parameters.get("depth") == 9:
            raise ValueError("too deep")
        out = Path(request.out)
        out.mkdir(parents=True, exist_ok=True)
        weights = out / "weights.pt"
        weights.write_bytes(to_json(request))
        return TrainResult(str(weights), "", 1, 1, 0.0, "scratch", 1, "cpu", 1)

    def detect(self, request: DetectRequest) -> dict[str, Detections]:
        from models_zoo.records import train_request

        self.looked.append(request)
        skill = float(train_request(Path(request.model).read_bytes()).parameters["skill"])
        boxes = np.array(CELLS, np.float32) + abs(skill - 0.8) * 20
        scores = np.linspace(0.9, 0.5, len(boxes), dtype=np.float32)[:, None]
        found = {f.key: Detections(boxes, scores, np.zeros((len(boxes), 0), np.float32)) for f in request.fields}
        detections.save(Path(request.out), found)
        return found


def request(folder: Path, **changes: Any) -> SearchRequest:
    train = TrainRequest("made", ("cell",), fields("a", 2), (), str(folder / "s"), 64, 1, 2, 0)
    train = replace(train, parameters={"skill": 0.3})
    return SearchRequest(train, fields("t", 3), fields("e", 2), **{"trials": 8, "vary": ("skill",), **changes})


def test_the_best_setting_is_retrained_with_tuning_and_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = Family(monkeypatch)
    result = search(request(tmp_path))
    assert result.default == 0.0  # the first trial is the request as it is: shifted by half a cell
    assert result.tuning == 1.0
    assert abs(float(result.settings["skill"]) - 0.8) < 0.2
    final = family.trained[-1]
    assert {one.key for one in final.training} == {"a0", "a1", "t0", "t1", "t2"}
    assert all({one.key for one in trial.training} == {"a0", "a1"} for trial in family.trained[:-1])
    on_test = [look for look in family.looked if look.fields[0].key == "e0"]
    assert len(on_test) == 1
    assert on_test[0] is family.looked[-1]
    assert result.test["threshold"] == result.threshold == pytest.approx(0.5)
    assert result.test["threshold_from"] == "given"
    assert result.gate["difference"] == 1.0
    trained = len(family.trained)
    assert search(request(tmp_path)) == result
    assert len(family.trained) == trained


def test_a_broken_search_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family(monkeypatch)
    family.stop_at = 4
    with pytest.raises(KeyboardInterrupt):
        search(request(tmp_path))
    broken = family.trained[-1].parameters
    result = search(request(tmp_path))
    assert family.trained[4].parameters == broken  # what ran is tried again
    assert result.trials == 7
    assert result.failed == 1
    assert len(family.trained) == 4 + 5 - 1 + 1


def test_trials_that_fail_are_noted_and_all_failing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Family(monkeypatch)
    heard: list[str] = []
    result = search(request(tmp_path, vary=("skill", "depth"), trials=12), heard.append)
    assert result.failed == sum("failed: too deep" in line for line in heard) > 0
    assert result.trials + result.failed == 12
    assert list((tmp_path / "s").glob("trial*/error.txt"))
    asked = request(tmp_path / "deep", trials=2)
    deep = replace(asked, train=replace(asked.train, parameters={"skill": 0.3, "depth": 9}))
    with pytest.raises(ValueError, match="all 2 trials failed"):
        search(deep)
    with pytest.raises(ValueError, match="needs tuning fields"):
        search(replace(request(tmp_path / "none"), tuning=()))


def test_what_is_varied_is_named_or_all_that_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Family(monkeypatch)
    spec = registry.spec("made")
    every = [one.name for one in space(spec, ())]
    assert {"tile", "batch", "nms_iou", "anms", "wbc_iou", "skill", "depth"} <= set(every)
    assert "name" not in every
    with pytest.raises(ValueError, match="no parameter 'name' to search"):
        space(spec, ("name",))
    first = defaults(space(spec, ()), request(tmp_path).train)
    assert (first["skill"], first["depth"], first["tile"], first["batch"]) == (0.3, 3, 320, 2)
