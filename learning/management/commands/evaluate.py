"""manage.py evaluate: the figures of a model on labelled fields."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.errors import Refused
from annotation.management.base import JsonCommand, progress, project_from
from annotation.models import Split
from learning.actions.evaluation import Question, evaluate_model
from learning.actions.models import find_model
from learning.management.scratch import scratch_folder
from models_zoo import machine
from models_zoo.lengths import Length


class Command(JsonCommand):
    help = "Measure a model on labelled fields: average precision, F1 at its own threshold, each class, intervals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project the model belongs to.")
        parser.add_argument("model", help="Label (t1, s1), id, or: deployed, teacher.")
        parser.add_argument("--split", default="test", choices=[*Split.values, "all"], help="Which fields (test).")
        parser.add_argument(
            "--match", default="iou", choices=["iou", "centre"], help="Match by overlap of boxes or by centres (iou)."
        )
        parser.add_argument("--iou", type=float, default=0.5, help="Overlap from which a detection is right (0.5).")
        parser.add_argument(
            "--distance-px",
            type=float,
            help="With --match centre: largest distance of centres in pixels; half the true radius if left out.",
        )
        parser.add_argument(
            "--distance-um", type=float, help="The same in um; needs fields whose scale is known, or --distance-cells."
        )
        parser.add_argument(
            "--distance-cells",
            type=float,
            help="The same in median sides of the true boxes, where the scale is unknown (0.33 is Gräbel's 55 px).",
        )
        parser.add_argument("--on", metavar="PROJECT", help="Measure on the fields of another project.")
        parser.add_argument("--device", default="auto", help="auto, cpu, or the number of a GPU.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_from(options["project"])
        model = find_model(project, options["model"])
        other = project_from(options["on"]) if options["on"] else project
        try:
            question = _question(options)
            device = machine.choose_device(options["device"])
            with scratch_folder() as folder, progress("evaluating", "fields") as bar:
                figures = evaluate_model(
                    model=model,
                    project=other,
                    question=question,
                    device=device,
                    scratch=folder / "found.npz",
                    report=bar,
                )
        except ValueError as error:
            raise Refused(str(error)) from error
        self.answer(figures)

    def summary(self, result: Any) -> str:
        rows = [
            f"{name:<28}{row['truths']:>7}{_share(row['precision'])}{_share(row['recall'])}{_share(row['f1'])}"
            f"{_share(row['ap50'])}"
            for name, row in result["per_class"].items()
        ]
        head = f"{'class':<28}{'cells':>7}{'precision':>11}{'recall':>11}{'F1':>11}{'AP50':>11}"
        overall = ", ".join(f"{name} {_share(result[name]).strip()}" for name in ("ap50", "f1", "precision", "recall"))
        where = f"{result['model']} on {result['project']}, {result['split']}: {result['fields']} fields, "
        lines = [where + f"{result['objects']} cells, {result['match']['rule']}", overall, head, *rows]
        return "\n".join([*lines, *_sweep(result), *_groups(result)])


def _question(options: dict[str, Any]) -> Question:
    um, cells = options["distance_um"], options["distance_cells"]
    distance = None if um is None and cells is None else Length(um=um, cells=cells)
    return Question(options["split"], options["match"], options["iou"], options["distance_px"], distance)


def _sweep(result: dict[str, Any]) -> list[str]:
    """AP and F1 as more and more overlap is asked for; nothing where centres were matched."""
    levels = result["ap_by_iou"]
    if not levels:
        return []
    named = {"IoU": levels, "AP": levels.values(), "F1": result["f1_by_iou"].values()}
    return [
        f"{name:<5}" + "".join(f"{value:>7}" if name == "IoU" else _short(value) for value in values)
        for name, values in named.items()
    ]


def _groups(result: dict[str, Any]) -> list[str]:
    """Recall by size of the true cell, and by the shape it was drawn as."""
    groups = {f"{name} cells": row for name, row in result["by_size"].items()}
    groups |= {f"drawn as {name}": row for name, row in result["by_kind"].items()}
    return [
        f"{name:<28}{row['truths']:>7}{_share(row['precision'])}{_share(row['recall'])}{_share(row['f1'])}"
        for name, row in groups.items()
    ]


def _short(value: float | None) -> str:
    return f"{'n/a':>7}" if value is None else f"{value:>7.3f}"


def _share(value: float | None) -> str:
    return f"{'n/a':>11}" if value is None else f"{value:>11.3f}"
