"""A stand-in for the model zoo, put in the place of `models_zoo.call`: rounds run whole, in a second, without torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from annotation.models import Cell, ReadingState, Source
from models_zoo import detections
from models_zoo.detections import Detections
from models_zoo.records import DetectRequest, Progress, TrainRequest, TrainResult

WIDTH = 4


class FakeZoo:
    """Trains models of a given skill and lets them look.

    `skills` are those of the models to come, the last one for all that follow: "good" finds every cell where it is
    labelled (openly or aside), "poor" finds all of them ten pixels off, "silent" finds nothing. `before` is called
    at the start of each training and detection with the verb and the request: to break in.
    """

    def __init__(self, *skills: str) -> None:
        self.skills = list(skills) or ["good"]
        self.trained: list[TrainRequest] = []
        self.looked: list[DetectRequest] = []
        self.before: Callable[[str, Any], None] | None = None

    def __call__(self, verb: str, request: Any, report: Callable[..., None] | None = None) -> Any:
        if self.before is not None:
            self.before(verb, request)
        return self._train(request, report or _deaf) if verb == "train" else self._detect(request, report or _deaf)

    def _train(self, request: TrainRequest, report: Callable[[Progress], None]) -> TrainResult:
        self.trained.append(request)
        skill = self.skills.pop(0) if len(self.skills) > 1 else self.skills[0]
        out = Path(request.out)
        out.mkdir(parents=True, exist_ok=True)
        for epoch in range(1, request.epochs + 1):
            report(Progress(epoch, request.epochs, {"box_loss": 1 / epoch}, float(epoch), 0.0))
        content = json.dumps({"skill": skill, "classes": request.classes, "number": len(self.trained)})
        for name in ("weights.pt", "weights.onnx"):
            (out / name).write_text(content)
        return TrainResult(
            weights=str(out / "weights.pt"),
            onnx=str(out / "weights.onnx"),
            epochs=request.epochs,
            best_epoch=request.epochs,
            seconds=1.0,
            weights_from=request.weights_from,
            threads=1,
            device=request.device,
            tiles=len(request.training),
        )

    def _detect(self, request: DetectRequest, report: Callable[[int, int], None]) -> dict[str, Detections]:
        self.looked.append(request)
        model = json.loads(Path(request.model).read_text())
        found = {}
        for number, field in enumerate(request.fields, start=1):
            found[field.key] = _seen(int(field.key), model)
            report(number, len(request.fields))
        detections.save(Path(request.out), found)
        return found


def _deaf(*_: Any) -> None:
    """Nobody wants to hear of progress."""


def _seen(field: int, model: dict[str, Any]) -> Detections:
    classes: list[str] = model["classes"]
    known = Cell.objects.current().filter(reading__field=field) | Cell.objects.filter(
        reading__field=field, reading__source=Source.ORACLE, reading__state=ReadingState.SEALED
    )
    cells = [] if model["skill"] == "silent" else list(known.select_related("cell_class").order_by("pk"))
    if not cells:
        return detections.nothing(len(classes), WIDTH)
    boxes = np.array([(cell.x0, cell.y0, cell.x1, cell.y1) for cell in cells], np.float32)
    scores = np.full((len(cells), len(classes)), 0.01, np.float32)
    for row, cell in zip(scores, cells, strict=True):
        row[classes.index(cell.cell_class.key) if cell.cell_class.key in classes else 0] = 0.9
    return Detections(boxes + 10 * (model["skill"] == "poor"), scores, np.ones((len(cells), WIDTH), np.float32))
