"""Measuring a model on labelled fields: of its own project or of another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from annotation.access import Actor, Permission, require
from annotation.actions.snapshots import FrozenReading, freeze
from annotation.errors import Refused
from annotation.models import CellClass, Field, Project
from learning.exchange import NO_CLAIM, ClassPlan, plan_of, working_of
from learning.models import ModelVersion
from learning.steps.looking import Looker, look_at_readings
from models_zoo import metrics
from models_zoo.lengths import Length
from models_zoo.metrics import MatchKind


@dataclass(frozen=True, slots=True)
class Question:
    """On which fields to measure, and when a detection counts as right."""

    split: str = "test"
    match: MatchKind = "iou"
    iou: float = 0.5
    distance_px: float | None = None
    distance: Length | None = None


def evaluate_model(
    *,
    model: ModelVersion,
    project: Project,
    question: Question,
    device: str,
    scratch: Path,
    actor: Actor = None,
    report: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """The figures of `model` on the exhaustive fields of one split of `project`, with the model's own threshold.

    Classes of another project are matched by key and name; cells of a class that the model cannot tell make no claim
    and are listed as `not_told`. Raises Refused where the split holds no labelled field.
    """
    require(actor, project, Permission.VIEW)
    require(actor, model.project, Permission.VIEW)
    fields = Field.objects.filter(project=project).exhaustive()
    if question.split != "all":
        fields = fields.filter(split=question.split)
    readings = list(freeze(fields))
    if not readings:
        raise Refused(f"{project.key} has no exhaustively labelled field in {question.split}: choose another --split.")
    own = project.pk == model.project_id
    plan = plan_of(model) if own else plan_elsewhere(model, project)
    looker = _looker(model, readings, project)
    truths, found = look_at_readings(looker, readings, plan, scratch, device, report)
    figures = metrics.evaluate(
        truths,
        found,
        plan.names,
        match=question.match,
        iou=question.iou,
        distance_px=question.distance_px,
        distance=question.distance,
        threshold=model.threshold,
    ).as_dict()
    return {
        "model": model.label,
        "id": model.pk,
        "project": project.key,
        "split": question.split,
        "not_told": _not_told(project, readings, plan),
        **figures,
    }


def _looker(model: ModelVersion, readings: Sequence[FrozenReading], project: Project) -> Looker:
    """The model as it is; where a scale is not known, a cell of the other project stands for one of its own."""
    looker = Looker.of(model)
    if project.pk == model.project_id:
        return looker
    elsewhere = working_of(project, readings, looker.tile)
    return replace(looker, working=replace(elsewhere, cell_px=looker.working.cell_px))


def plan_elsewhere(model: ModelVersion, project: Project) -> ClassPlan:
    """How the classes of another project map onto the outputs of `model`: by key or name, else by an ancestor's."""
    own = {row.number: row for row in model.project.classes.all()}
    outputs = {word: i for i, number in enumerate(model.classes) for word in _words(own[int(number)])}
    rows = {row.number: row for row in project.classes.select_related("parent")}
    return ClassPlan(
        tuple(int(number) for number in model.classes),
        tuple(model.card["classes"]),
        {number: _output(row, outputs) for number, row in rows.items()},
        {},
    )


def _words(row: CellClass) -> set[str]:
    return {word.strip().casefold() for word in (row.key, row.name, *row.aliases)}


def _output(row: CellClass, outputs: dict[str, int]) -> int:
    here: CellClass | None = row
    while here is not None:
        for word in _words(here):
            if word in outputs:
                return outputs[word]
        here = here.parent
    return NO_CLAIM


def _not_told(project: Project, readings: Sequence[FrozenReading], plan: ClassPlan) -> dict[str, int]:
    names = dict(project.classes.values_list("number", "key"))
    lost: dict[str, int] = {}
    for reading in readings:
        for cell in reading.cells:
            if plan.output.get(cell.number) == NO_CLAIM:
                lost[names[cell.number]] = lost.get(names[cell.number], 0) + 1
    return lost
