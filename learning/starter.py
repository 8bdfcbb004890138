"""The starter weights as a model of a project: what predicts before the project has taught a student of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from annotation.actions.snapshots import freeze
from annotation.models import Field, Project
from learning.actions.models import ModelError, deploy_model, register_model
from learning.exchange import ClassPlan, Working, plan_of_outputs
from learning.models import ModelKind, ModelVersion
from learning.steps.judging import Judgement, judge_model
from learning.steps.looking import Looker
from learning.weights import STARTER, STARTER_TILE, starter_classes, starter_onnx, starter_weights

# Student number nought: the first one that the project teaches is s1.
LABEL = "s0"
REASON = "starter weights, trained on generated fields alone: they predict until a round deploys a student"


def starter_fits(project: Project) -> bool:
    """Whether each class that the starter detector tells apart is one of the project's."""
    wanted = set(starter_classes())
    return bool(wanted) and wanted <= set(project.classes.values_list("key", flat=True))


def adopt_starter(*, project: Project, scratch: Path) -> ModelVersion:
    """Make the starter detector the project's student s0, measured on what is labelled, and let it predict.

    Asked again it answers with the one that is there. Raises ModelError where it does not fit the project's classes.
    """
    there = project.models.filter(label=LABEL).first()
    if there is not None:
        return there
    weights = starter_weights(STARTER)
    if weights is None or not starter_fits(project):
        raise ModelError(f"No model predicts in {project.key} yet: run a round first.")
    onnx = starter_onnx()
    if onnx is None:
        raise ModelError(f"No model predicts in {project.key} yet: run a round first.")
    plan = plan_of_outputs(project, starter_classes())
    working = Working(project.cell_px, None, STARTER_TILE)
    looker = Looker(weights, onnx, STARTER, STARTER_TILE, 1.0, plan.numbers, working)
    readings = list(freeze(Field.objects.filter(project=project)))
    files = scratch / "starter"
    files.mkdir()
    judgement = judge_model(looker, plan, readings, None, scratch, "cpu", files=files)
    shutil.copyfile(weights, files / "weights.pt")
    shutil.copyfile(onnx, files / "weights.onnx")
    columns = _columns(project, plan, working, judgement)
    model = register_model(project=project, kind=ModelKind.STUDENT, files=files, label=LABEL, **columns)
    deploy_model(model=model, reason=REASON, actor=None)
    return model


def _columns(project: Project, plan: ClassPlan, working: Working, judgement: Judgement) -> dict[str, Any]:
    card = {
        "kind": ModelKind.STUDENT,
        "variant": STARTER,
        "classes": list(plan.names),
        "class_map": {str(number): output for number, output in plan.output.items()},
        "rolled_up": {},
        "cell_px": working.cell_px,
        "median_px": None,
        "fill_px": working.fill_px,
        "tile": STARTER_TILE,
        "shrink": 1.0,
        "weak_shape": project.weak_shape,
        "threshold": judgement.threshold,
        "snapshot": None,
        "labelled": {},
        "cells": {},
        "fields_trained_on": 0,
        "weights_from": "starter weights (trained on generated fields)",
        "teacher": None,
        "settings": {},
        "epochs": 0,
        "best_epoch": 0,
        "device": "cpu",
        "threads": 0,
        "notes": [f"{REASON}; no cell of this project taught them"],
        "notice": "For research use only. Not for use in diagnostic procedures.",
        "licence": "AGPL-3.0",
    }
    return {
        "variant": STARTER,
        "snapshot": None,
        "teacher": None,
        "classes": list(plan.numbers),
        "tile": STARTER_TILE,
        "shrink": 1.0,
        "threshold": judgement.threshold,
        "calibration": judgement.calibration,
        "metrics": judgement.metrics,
        "gate": judgement.verdict.to_row(),
        "accepted": True,
        "card": card,
    }
