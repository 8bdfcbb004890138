"""The search itself: trials on the tuning fields, what must be fixed before they are spent, one look at test.

Gräbel 2021: "The best performing model is retrained including the optimization subset and used to obtain the final
results on the held out test set." So thresholds and gate are taken from the best trial's model, before that retraining.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from models_zoo import detections, ensemble, metrics, registry
from models_zoo.detections import Detections
from models_zoo.metrics import Truth
from models_zoo.nms import without_inner
from models_zoo.records import DetectRequest, FieldRecord, TrainRequest, TrainResult
from models_zoo.search.request import SearchRequest, SearchResult
from models_zoo.search.spaces import defaults, drawn, space, to_detect, to_train
from models_zoo.shapes import training_box
from models_zoo.spec import Value

Say = Callable[[str], None]
RESULT, STORAGE = "result.json", "trials.log"
FOUND = "found.npz"


def search(request: SearchRequest, say: Say | None = None) -> SearchResult:
    """Run the trials that are missing, retrain the best with the tuning fields and measure it once on test.

    A call that was broken off, by a kill too, goes on by the same request: finished trials count, the one that ran is
    tried again. When there is a result it is answered and nothing is done: test is measured once. The first trial is
    the request as it is. A trial that fails counts as tried; raises ValueError where all failed.
    """
    folder = Path(request.train.out)
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / RESULT
    if not done.exists():
        result = _Search(request, folder, say or (lambda _: None)).run()
        part = done.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(result))
        part.replace(done)
    return msgspec.json.decode(done.read_bytes(), type=SearchResult)


class _Search:
    def __init__(self, request: SearchRequest, folder: Path, say: Say) -> None:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        if not request.tuning or not request.test:
            raise ValueError("a search needs tuning fields to judge by, and test fields for the end")
        self.request, self.folder, self.say = request, folder, say
        self.spec = registry.spec(request.train.variant)
        self.parameters = space(self.spec, request.vary)
        self.truths = truths_of(request.tuning)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        storage = JournalStorage(JournalFileBackend(str(folder / STORAGE)))
        sampler = optuna.samplers.TPESampler(seed=request.train.seed)
        self.study: Any = optuna.create_study(
            storage=storage, study_name="search", direction="maximize", sampler=sampler, load_if_exists=True
        )
        if not self.study.trials:
            self.study.enqueue_trial(defaults(self.parameters, request.train))

    def run(self) -> SearchResult:
        began = time.monotonic()
        while (number := len(self._ended())) < self.request.trials:
            if self.request.seconds and time.monotonic() - began > self.request.seconds:
                raise TimeoutError(f"{number} of {self.request.trials} trials are done; call again to go on")
            self._trial(number)
        return self._end()

    def _ended(self) -> list[Any]:
        return [trial for trial in self.study.trials if trial.state.is_finished()]

    def _trial(self, number: int) -> None:
        import optuna

        for left in self.study.trials:  # one that ran when the last call was killed
            if left.state == optuna.trial.TrialState.RUNNING:
                self.study.tell(left.number, state=optuna.trial.TrialState.FAIL)
                self.study.enqueue_trial(left.params)
        trial = self.study.ask()
        settings = drawn(self.parameters, trial)
        try:
            value = self._try(trial.number, settings)
        except (ValueError, RuntimeError, OSError) as error:
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            trial_note = self.folder / f"trial{trial.number}" / "error.txt"
            trial_note.parent.mkdir(exist_ok=True)
            trial_note.write_text(f"{settings}\n{error}\n", encoding="utf-8")
            self.say(f"trial {number + 1} of {self.request.trials} failed: {error}")
            return
        self.study.tell(trial, value)
        self.say(f"trial {number + 1} of {self.request.trials}: {self.request.objective} {value:.4f} with {settings}")

    def _try(self, number: int, settings: dict[str, Value]) -> float:
        place = self.folder / f"trial{number}"
        shutil.rmtree(place, ignore_errors=True)
        found = self._trained(place, settings, self.request.train.training, self.request.tuning)[1]
        report = metrics.evaluate(self.truths, found, self.request.train.classes, resamples=0)
        return float((report.ap50 if self.request.objective == "ap50" else report.f1) or 0.0)

    def _trained(
        self, place: Path, settings: dict[str, Value], training: Sequence[FieldRecord], looked_at: Sequence[FieldRecord]
    ) -> tuple[TrainResult, dict[str, Detections]]:
        """Train with `settings` on `training`; the result, and what it finds on `looked_at`."""
        request = replace(self.request.train, training=tuple(training), out=str(place), resume_from=None)
        request = to_train(request, settings, self.spec)
        result: TrainResult = registry.call("train", request)
        return result, look(request, result, looked_at, settings, place / FOUND)

    def _end(self) -> SearchResult:
        """Threshold and gate by the best trial's model; then the retraining, and test."""
        finished = [trial for trial in self._ended() if trial.value is not None]
        if not finished:
            raise ValueError(f"all {len(self._ended())} trials failed; why stands in error.txt of each")
        best = self.study.best_trial
        settings: dict[str, Value] = dict(best.params)
        found = detections.load(self.folder / f"trial{best.number}" / FOUND)
        threshold = metrics.best_threshold(self.truths, found)
        gate = self._gate(best, finished[0], found)
        self.say(f"the best is trial {best.number + 1}; threshold {threshold:.3f}; retraining with the tuning fields")
        both = (*self.request.train.training, *self.request.tuning)
        result, seen = self._trained(self.folder / "final", settings, both, self.request.test)
        classes = self.request.train.classes
        report = metrics.evaluate(truths_of(self.request.test), seen, classes, threshold=threshold)
        return SearchResult(
            settings=settings,
            tuning=best.value,
            default=finished[0].value,
            threshold=threshold,
            gate=gate,
            test=report.as_dict(),
            weights=result.weights,
            onnx=result.onnx,
            trials=len(finished),
            failed=len(self._ended()) - len(finished),
            notes=result.notes,
        )

    def _gate(self, best: Any, first: Any, found: dict[str, Detections]) -> dict[str, Any]:
        """Best against first trial on tuning: AP50, its difference with interval. The best of many trials is flattered
        there by having been chosen."""
        other = detections.load(self.folder / f"trial{first.number}" / FOUND)
        compared = metrics.compare(self.truths, found, other, self.request.train.classes)
        return {**asdict(compared), "best": best.number, "first": first.number}


def look(
    request: TrainRequest,
    result: TrainResult,
    records: Sequence[FieldRecord],
    settings: dict[str, Value],
    out: Path,
) -> dict[str, Detections]:
    """What a trained model finds on `records` when it looks with `settings`, saved to `out`."""
    model = result.onnx if result.onnx and request.device == "cpu" else result.weights
    wanted = DetectRequest(
        model=model,
        variant=request.variant,
        fields=tuple(replace(record, targets=()) for record in records),
        out=str(out),
        tile=request.tile,
        shrink=request.shrink,
        device=request.device,
        threads=request.threads,
    )
    wanted = to_detect(wanted, settings)
    if settings.get("views"):
        return ensemble.detect([wanted], out, iou=float(settings.get("wbc_iou", 0.5)))
    found: dict[str, Detections] = registry.call("detect", wanted)
    kept = {key: without_inner(item, float(wanted.anms or 0.0), wanted.nms_iou) for key, item in found.items()}
    detections.save(out, kept)
    return kept


def truths_of(records: Sequence[FieldRecord]) -> dict[str, Truth]:
    """The shapes of `records` as truth, circles as drawn."""
    return {
        record.key: Truth(
            np.array([training_box(target, 1.0) for target in record.targets]).reshape(-1, 4),
            np.array([target.label for target in record.targets], np.intp),
            record.case,
            kinds=tuple(target.kind for target in record.targets),
        )
        for record in records
    }
