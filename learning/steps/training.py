"""What training a teacher and distilling a student have in common: the request, the training, the model's row."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

import models_zoo
from annotation.actions.snapshots import FrozenReading, read_snapshot, take_snapshot
from annotation.models import Field, Project, Snapshot, Split, WeakShape
from learning.actions.runs import report_epoch
from learning.exchange import ClassPlan, Working, count_cells, plan_classes, record_of_reading, working_of
from learning.models import ModelKind, ModelVersion
from learning.settings import RoundSettings, to_row
from learning.steps.context import Context
from learning.steps.cost import cost_of
from learning.steps.judging import Judgement
from learning.steps.looking import Looker
from learning.trouble import SmallerBatchError
from models_zoo import machine
from models_zoo.epochs import EPOCHS_FILE, read_epochs
from models_zoo.images import working_size
from models_zoo.records import FieldRecord, OutOfMemory, TrainRequest, TrainResult, to_json, train_request
from models_zoo.tiles import for_training

# How many tiles a training shows the network when nobody says how many epochs: three minutes on two cores, or
# half an hour on a card. More labels then mean fewer epochs, not a longer wait.
PICTURES = {"cpu": 3_000, "gpu": 100_000}
EPOCHS = {"cpu": (12, 60), "gpu": (30, 300)}
SMALL_SET = 200


@dataclass(frozen=True)
class Material:
    """What a training learns from: a snapshot's readings, split, with the plan of classes and the working scale."""

    snapshot: Snapshot
    readings: tuple[FrozenReading, ...]
    plan: ClassPlan
    working: Working
    shrink: float
    weak: str

    def of(self, split: str) -> list[FrozenReading]:
        """Exhaustive readings only: elsewhere unlabelled area is not background."""
        return [reading for reading in self.readings if reading.split == split and reading.exhaustive]

    def records(self, split: str) -> list[FieldRecord]:
        return [record_of_reading(reading, self.plan, self.working) for reading in self.of(split)]


def gather(context: Context, project: Project) -> Material:
    """Freeze what is labelled, once a run: a later attempt learns from the same snapshot."""
    settings = context.settings
    snapshot = _snapshot(context, project)
    readings = tuple(read_snapshot(snapshot))
    training = [reading for reading in readings if reading.split == Split.TRAINING and reading.exhaustive]
    plan = plan_classes(project, training, min_cells=settings.min_cells, artefacts=settings.artefacts)
    kinds = Counter(cell.kind for reading in training for cell in reading.cells)
    total = sum(kinds.values())
    circles, boxes = kinds["circle"] * 2 >= total, kinds["box"] * 2 > total
    return Material(
        snapshot=snapshot,
        readings=readings,
        plan=plan,
        working=working_of(project, training, settings.tile),
        shrink=project.shrink if total and circles else 1.0,
        weak=WeakShape.BOX if boxes else project.weak_shape,
    )


def _snapshot(context: Context, project: Project) -> Snapshot:
    note = context.run.folder / "snapshot"
    if note.exists():
        return Snapshot.objects.get(pk=int(note.read_text()))
    snapshot = take_snapshot(project=project, purpose="training", fields=Field.objects.filter(project=project))
    _write_whole(note, str(snapshot.pk).encode())
    return snapshot


def _write_whole(file: Path, content: bytes) -> None:
    """Write `file` so that a kill at any moment leaves all of it or nothing."""
    part = file.with_name(file.name + ".part")
    part.write_bytes(content)
    part.replace(file)


def request_for(
    context: Context,
    material: Material,
    variant: str,
    training: Sequence[FieldRecord],
    *,
    epochs: int,
    weights: Path | None,
    weights_from: str,
    teacher: Path | None = None,
) -> TrainRequest:
    """The request of this attempt; it goes on from the checkpoint of the attempt before, where there is one."""
    settings, device = context.settings, context.device
    pictures = sum(tiles_of(record, settings.tile) for record in training)
    return TrainRequest(
        variant=variant,
        classes=material.plan.names,
        training=tuple(training),
        validation=tuple(material.records(Split.VALIDATION)),
        out=str(context.folder / "model"),
        tile=settings.tile,
        epochs=epochs or default_epochs(pictures, device),
        batch=context.run.batch or settings.batch or (8 if pictures < SMALL_SET else 16),
        seed=settings.seed,
        device=device,
        threads=machine.cores(),
        shrink=material.shrink,
        patience=settings.patience,
        anms=settings.anms,
        weights=str(weights) if weights else None,
        weights_from=weights_from,
        teacher=str(teacher) if teacher else None,
        resume_from=_checkpoint(context),
    )


def tiles_of(record: FieldRecord, tile: int) -> int:
    """Into how many pictures a field is cut for training."""
    width, height = working_size(record.width, record.height, record.scale)
    return len(for_training(width, height, tile))


def default_epochs(pictures: int, device: str) -> int:
    kind = "cpu" if device == "cpu" else "gpu"
    least, most = EPOCHS[kind]
    return max(least, min(most, round(PICTURES[kind] / max(1, pictures))))


def _checkpoint(context: Context) -> str | None:
    earlier = [context.run.folder / f"attempt{n}" / "model" / "resume.pt" for n in range(1, context.run.attempt)]
    there = [path for path in earlier if path.exists()]
    return str(max(there, key=lambda path: path.stat().st_mtime)) if there else None


def run_training(context: Context, request: TrainRequest) -> TrainResult:
    """Train, with the request kept beside the run so that `python -m models_zoo train request.json` repeats it.

    What an earlier attempt has trained to the end by the same request, before it was broken off, is taken over.
    Raises SmallerBatchError where a card's memory was too small and a smaller batch may help.
    """
    _tidy_earlier(context)
    done = _trained_before(context, request)
    if done is not None:
        tell_lost_epochs(context, done.epochs)
        return _with_note(context, done)
    out = Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "request.json").write_bytes(msgspec.json.encode(replace(request, resume_from=None)))
    context.say("preparing pictures", 0, request.epochs)
    try:
        result: TrainResult = models_zoo.call("train", request, report=context.epoch)
    except OutOfMemory as error:
        if request.batch == 1:
            raise OutOfMemory(f"{error}, even with one tile in a step") from error
        raise SmallerBatchError(request.batch, request.batch // 2) from error
    _write_whole(out / "result.json", to_json(result))
    tell_lost_epochs(context, result.epochs)
    return _with_note(context, result)


def _with_note(context: Context, result: TrainResult) -> TrainResult:
    if not context.run.batch:
        return result
    note = f"the card's memory was too small for a larger batch than {context.run.batch}"
    return replace(result, notes=(*result.notes, note))


def _tidy_earlier(context: Context) -> None:
    """Tiles of attempts that were broken off are of no use any more, and many attempts would fill the disk."""
    for number in range(1, context.run.attempt):
        model = context.run.folder / f"attempt{number}" / "model"
        for name in ("tiles", "run/weights"):
            shutil.rmtree(model / name, ignore_errors=True)


def tell_lost_epochs(context: Context, epochs: int) -> None:
    """Store what the row of an epoch lacks: whoever is killed between a checkpoint and its report leaves an epoch that
    is trained, is not trained again, and stands nowhere but in the file beside the checkpoint."""
    known = set(context.run.epochs.values_list("number", flat=True))
    for file in sorted(context.run.folder.glob(f"attempt*/model/{EPOCHS_FILE}")):
        for told in read_epochs(file):
            if told.epoch <= epochs and told.epoch not in known:
                report_epoch(context.run, told.epoch, told.losses, told.seconds)
                known.add(told.epoch)


def _trained_before(context: Context, request: TrainRequest) -> TrainResult | None:
    wanted = replace(request, out="", resume_from=None, threads=0)
    for number in range(context.run.attempt - 1, 0, -1):
        folder = context.run.folder / f"attempt{number}" / "model"
        if (folder / "result.json").exists():
            earlier = train_request((folder / "request.json").read_bytes())
            if replace(earlier, out="", resume_from=None, threads=0) == wanted:
                return msgspec.json.decode((folder / "result.json").read_bytes(), type=TrainResult)
    return None


def looker_of(request: TrainRequest, result: TrainResult, material: Material) -> Looker:
    return Looker(
        weights=Path(result.weights),
        onnx=Path(result.weights).with_name("weights.onnx"),
        variant=request.variant,
        tile=request.tile,
        shrink=request.shrink,
        numbers=material.plan.numbers,
        working=material.working,
    )


def columns(
    kind: ModelKind,
    request: TrainRequest,
    result: TrainResult,
    material: Material,
    judgement: Judgement,
    settings: RoundSettings,
    teacher: ModelVersion | None = None,
) -> dict[str, Any]:
    """The columns of the model's row, card included."""
    card = {
        "kind": kind,
        "variant": request.variant,
        "classes": list(material.plan.names),
        "class_map": {str(number): output for number, output in material.plan.output.items()},
        "rolled_up": material.plan.missing,
        "cell_px": material.working.cell_px,
        "median_px": material.working.median_px,
        "fill_px": material.working.fill_px,
        "tile": request.tile,
        "shrink": request.shrink,
        "weak_shape": material.weak,
        "threshold": judgement.threshold,
        "snapshot": material.snapshot.sha256,
        "labelled": {split: len(material.of(split)) for split in Split.values},
        "cells": {
            material.plan.names[output]: count
            for output, count in sorted(count_cells(material.of(Split.TRAINING), material.plan).items())
        },
        "fields_trained_on": len(request.training),
        "weights_from": result.weights_from,
        "teacher": teacher.label if teacher else None,
        "settings": to_row(settings),
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "cost": cost_of(Path(result.weights).parent, result.device, judgement.seconds_a_field),
        "device": result.device,
        "threads": result.threads,
        "notes": list(result.notes),
        "notice": "For research use only. Not for use in diagnostic procedures.",
        "licence": "AGPL-3.0",
    }
    return {
        "variant": request.variant,
        "snapshot": material.snapshot,
        "teacher": teacher,
        "classes": list(material.plan.numbers),
        "tile": request.tile,
        "shrink": request.shrink,
        "threshold": judgement.threshold,
        "calibration": judgement.calibration,
        "metrics": judgement.metrics,
        "gate": judgement.verdict.to_row(),
        "accepted": judgement.verdict.passed,
        "card": card,
    }
