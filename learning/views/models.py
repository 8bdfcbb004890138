"""Pages of models: their list, the card of one, and what is done with them."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from django.conf import settings as config
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation import store
from annotation.access import Permission
from annotation.actions.predictions import delete_predictions, untouched_predictions
from annotation.errors import Refused
from annotation.models import Prediction, Project
from annotation.views.entry import Entry, enter
from learning.actions.handing_out import export_model
from learning.actions.models import deployed_model, roll_back
from learning.actions.promoting import promote_model
from learning.figures import reports
from learning.found.tables import Found
from learning.models import ModelKind, ModelVersion, Round
from learning.views import cards
from learning.views.losses import losses_behind
from learning.views.words import gate_in_words

A_PAGE = 30
# What the list shows of a model's figures; the whole of them would be megabytes for a page.
FIGURES = {
    f"{split}_{name}": F(f"metrics__{split}__{path}")
    for split in ("tuning", "test")
    for name, path in {"ap50": "ap50", "ends": "intervals__ap50", "cases": "cases", "fields": "fields"}.items()
}
HEAVY = ("metrics", "card", "gate", "calibration", "classes")


@login_required
@require_safe
def models(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key)
    kind = request.GET.get("kind", "")
    rows = entry.project.models.order_by("-pk").defer(*HEAVY).select_related("snapshot", "teacher")
    if kind in ModelKind.values:
        rows = rows.filter(kind=kind)
    page = Paginator(rows.annotate(**FIGURES), A_PAGE).get_page(request.GET.get("page"))
    found = list(page.object_list)
    deployed = deployed_model(entry.project)
    rounds = rounds_of(found)
    lines = [_line(model, rounds.get(model.pk), deployed) for model in found]
    chosen = kind if kind in ModelKind.values else ""
    told = entry.context(
        "models",
        page=page,
        kept=f"kind={chosen}&" if chosen else "",
        kind=chosen,
        kinds=ModelKind.choices,
        lines=lines,
        deployed=deployed,
        deployments=entry.project.deployments.select_related("model", "author").order_by("-pk")[:10],
    )
    return render(request, "learning/models.html", told)


def _line(model: ModelVersion, round_: int | None, deployed: ModelVersion | None) -> dict[str, Any]:
    return {
        "model": model,
        "round": round_,
        "deployed": deployed is not None and deployed.pk == model.pk,
        "figures": [_figure(model, split) for split in reports.SPLITS],
        "counts": model.snapshot.counts if model.snapshot else {},
        "bytes": store.size(model.path / "weights.onnx"),
    }


def _figure(model: ModelVersion, split: str) -> reports.Figure:
    name = {part: getattr(model, f"{split}_{part}") for part in ("ap50", "ends", "cases")}
    return reports.Figure(name["ap50"], name["ends"], name["cases"] or 0)


def rounds_of(found: list[ModelVersion]) -> dict[int, int]:
    """The number of the round that each model came from, by its id."""
    of_these = Q(teacher__in=[model.pk for model in found]) | Q(student__in=[model.pk for model in found])
    numbers: dict[int, int] = {}
    for teacher, student, number in Round.objects.filter(of_these).values_list("teacher_id", "student_id", "number"):
        numbers |= {teacher: number, student: number}
    return numbers


@login_required
@require_safe
def model(request: HttpRequest, key: str, label: str) -> HttpResponse:
    entry, shown = find(request, key, label)
    split = request.GET.get("split", "")
    if split not in reports.SPLITS:
        split = next((name for name in reports.SPLITS if name in shown.metrics), reports.SPLITS[0])
    names = names_of(entry.project)
    report = shown.metrics.get(split)
    told = entry.context(
        "models",
        model=shown,
        training=cards.training_lines(shown),
        settings=cards.setting_lines(shown),
        cells=cards.class_lines(shown, names),
        rolled_up=cards.rolled_up(shown, names),
        notes=shown.card.get("notes") or [],
        verdict=gate_in_words(shown.gate),
        kept=Found.open(shown.path) is not None,
        round=rounds_of([shown]).get(shown.pk),
        deployed=deployed_model(entry.project) == shown,
        deployments=shown.deployments.select_related("author").order_by("-pk")[:10],
        students=shown.students.order_by("pk").defer(*HEAVY)[:20],
        bytes={"weights": store.size(shown.path / "weights.pt"), "onnx": store.size(shown.path / "weights.onnx")},
        evidence=shown.gate.get("evidence") or {},
        losses=losses_behind(shown),
        split=split,
        splits=[(name, name in shown.metrics) for name in reports.SPLITS],
        report=report,
        headline=[(reports.MEASURE_WORDS[name], figure) for name, figure in reports.headline(report).items()],
        few_cells=reports.FEW_CELLS,
        few_cases=reports.FEW_CASES,
        table=reports.table(report, names, request.GET.get("sort", "")),
        curves=reports.curves(report, names, request.GET.getlist("curve")),
        confusion=reports.confusion(report, names),
        calibration=reports.calibration(report),
    )
    return render(request, "learning/model.html", told)


def find(request: HttpRequest, key: str, label: str, permission: Permission = Permission.VIEW) -> tuple[Entry, Any]:
    """Who comes, and the model of the address. Raises Http404 where there is none."""
    entry = enter(request, key, permission)
    rows = ModelVersion.objects.select_related("project", "snapshot", "teacher")
    return entry, get_object_or_404(rows, project=entry.project, label=label)


def names_of(project: Project) -> dict[str, str]:
    """The names of the project's classes by key."""
    return dict(project.classes.values_list("key", "name"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def promote(request: HttpRequest, key: str, label: str) -> HttpResponse:
    """Asks for the reason, then lets the model predict."""
    entry, wanted = find(request, key, label, Permission.RUN)
    refused = ""
    if request.method == "POST":
        knowingly = request.POST.get("knowingly") == "yes"
        try:
            promote_model(model=wanted, reason=request.POST.get("reason", ""), knowingly=knowingly, actor=entry.actor)
        except Refused as error:
            refused = str(error)
        else:
            messages.success(request, f"{wanted.label} predicts from now on.")
            return redirect("models", key)
    told = entry.context(
        "models",
        model=wanted,
        now=deployed_model(entry.project),
        refused=refused,
        reason=request.POST.get("reason", ""),
        is_teacher=wanted.kind == ModelKind.TEACHER,
    )
    return render(request, "learning/promote.html", told, status=422 if refused else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def go_back(request: HttpRequest, key: str) -> HttpResponse:
    """Back to what predicted before; asked once more."""
    entry = enter(request, key, Permission.RUN)
    if request.method == "POST":
        try:
            deployment = roll_back(project=entry.project, actor=entry.actor, seen=request.POST.get("seen", ""))
            messages.success(request, f"{deployment.model.label} predicts again.")
        except Refused as error:
            messages.error(request, f"Not rolled back: {error}.")
        return redirect("models", key)
    deployments = entry.project.deployments.select_related("model", "author").order_by("-pk")[:10]
    told = entry.context("models", now=deployed_model(entry.project), deployments=deployments)
    return render(request, "learning/roll_back.html", told)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def predictions(request: HttpRequest, key: str, label: str) -> HttpResponse:
    """Asks once more, then deletes what the model suggests wherever nobody has begun to read."""
    entry, shown = find(request, key, label, Permission.RUN)
    if request.method == "POST":
        done = delete_predictions(
            project=entry.project, model_id=shown.pk, model_label=shown.label, actor=entry.actor, client="page"
        )
        messages.success(request, f"Deleted {done.deleted} predictions of {shown.label}, {done.kept} stay.")
        return redirect("model", key, label)
    found = Prediction.objects.filter(field__project=entry.project, model_id=shown.pk).count()
    deletable = untouched_predictions(entry.project, shown.pk).count()
    told = entry.context(
        "models",
        model=shown,
        deletable=deletable,
        kept=found - deletable,
        deployed=deployed_model(entry.project) == shown,
    )
    return render(request, "learning/model_predictions.html", told)


@login_required
@require_safe
def download(request: HttpRequest, key: str, label: str) -> HttpResponseBase:
    """The model with all that is needed to use it elsewhere, as a zip archive."""
    entry, wanted = find(request, key, label, Permission.RUN)
    config.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    archive = tempfile.TemporaryFile(dir=config.SCRATCH_DIR)  # noqa: SIM115  # FileResponse closes it
    try:
        with tempfile.TemporaryDirectory(dir=config.SCRATCH_DIR) as folder, zipfile.ZipFile(archive, "w") as packed:
            out = Path(folder) / "out"
            export_model(model=wanted, out=out, actor=entry.actor)
            for path in sorted(out.iterdir()):
                packed.write(path, f"{key}-{label}/{path.name}")
    except OSError as error:
        archive.close()
        raise Http404(f"The files of {label} are gone from the store: restore a backup.") from error
    except Refused:
        archive.close()
        raise
    archive.seek(0)
    return FileResponse(archive, as_attachment=True, filename=f"{key}-{label}.zip")
