"""manage.py run_round: one turn of the loop."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.errors import Refused
from annotation.management.base import JsonCommand, project_from
from annotation.models import Project
from learning.actions.rounds import retry_round, start_round, waiting_run
from learning.management.watching import add_settings, bar, settings_from
from learning.models import ModelVersion, Round
from learning.runner import supervise
from learning.states import WORKING, RoundState, Step


class Command(JsonCommand):
    help = "Train a teacher, rank the pool, distil a student, predict on the next batch."
    interrupted = "Stopped by Ctrl-C. What is done is kept: run_round PROJECT --resume --wait goes on from there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="Key of the project.")
        add_settings(parser)
        parser.add_argument("--wait", action="store_true", help="Do it here and now, without a server or worker.")
        parser.add_argument(
            "--resume", action="store_true", help="Go on with the round that was broken off, failed or cancelled."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_from(options["project"])
        if options["resume"]:
            round_ = self._resumed(project)
        else:
            round_ = start_round(project=project, settings=settings_from(options), actor=None)
        if options["wait"]:
            self._wait(round_)
        self.answer(answer_of(round_))

    def _resumed(self, project: Project) -> Round:
        round_ = project.rounds.order_by("number").last()
        if round_ is None or round_.state in {RoundState.LABELLING, RoundState.DONE}:
            raise Refused(f"{project.key} has no round to go on with: start one without --resume.")
        if round_.state not in WORKING:
            retry_round(round_=round_, actor=None)
        return round_

    def _wait(self, round_: Round) -> None:
        with bar() as follow:
            while (run := waiting_run(round_)) is not None:
                supervise(run, follow)
        if round_.state in {RoundState.FAILED, RoundState.CANCELLED}:
            run = round_.runs.latest("pk")
            raise Refused(
                f"Round {round_.number} {round_.state} in {run.step}: {run.error or 'it was asked to stop'} "
                f"The log is {run.log}. To go on: run_round {round_.project.key} --resume --wait"
            )


def answer_of(round_: Round) -> dict[str, Any]:
    """What the loop has done in this round, as commands print it."""
    round_.refresh_from_db()
    runs = {run.step: run for run in round_.runs.order_by("pk")}
    batch = round_.batch.fields.select_related("field__case") if round_.batch else ()
    return {
        "round": round_.number,
        "state": round_.state,
        "teacher": _model(round_.teacher),
        "student": _model(round_.student),
        "deployed": round_.deployed,
        "reason": round_.reason,
        "batch": [{"field": row.field.public_name, "score": row.score, "reason": row.reason} for row in batch],
        "predictions": round_.predictions,
        "seconds": {step: round(runs[step].seconds, 2) if step in runs else 0.0 for step in Step},
        "runs": {step: {"id": run.pk, "state": run.state, "attempt": run.attempt} for step, run in runs.items()},
        "set_aside": runs[Step.RANK].result.get("set_aside", []) if Step.RANK in runs else [],
    }


def _model(model: ModelVersion | None) -> dict[str, Any] | None:
    if model is None:
        return None
    return {
        "id": model.pk,
        "label": model.label,
        "variant": model.variant,
        "weights_from": model.card["weights_from"],
        "epochs": model.card["epochs"],
        "threshold": model.threshold,
        "metrics": {split: brief(report) for split, report in model.metrics.items()},
        "gate": {"passed": model.gate["passed"], "reason": model.gate["reason"]},
    }


def brief(report: dict[str, Any]) -> dict[str, Any]:
    """The headline figures of an evaluation."""
    names = ("ap50", "f1", "precision", "recall", "found", "threshold", "fields", "cases", "objects", "detections")
    return {name: report[name] for name in names} | {"intervals": report["intervals"]}
