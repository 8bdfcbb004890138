"""The overview of a project: how far the labels are, what the models make of them, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from annotation.models import BatchField, CellClass, ClassKind, Project, Provenance, Split
from annotation.tallies import Tally, tally
from annotation.tree import in_tree_order
from annotation.views.entry import enter
from learning.figures.curve import Curve, curve_of
from learning.forms.rounds import settings_of
from learning.gate import MIN_CASES, MIN_CELLS
from learning.models import Round
from learning.views.next_steps import next_steps
from learning.views.round_parts import is_working, runs_of, steps_of

MOST_BATCHES = 5


@login_required
@require_safe
def overview(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key)
    project = entry.project
    round_ = project.rounds.select_related("teacher", "student", "batch").order_by("-number").first()
    if request.GET.get("part") == "round-now":
        return _round_now(request, entry.context("overview", **_round(round_)), round_)
    counted = tally(project)
    told = entry.context(
        "overview",
        whole=counted.whole,
        splits=counted.splits,
        classes=class_rows(project, counted),
        least=_least_cells(project),
        gate=gate_wants(counted),
        curve=_curve(project),
        steps=next_steps(entry, counted, round_),
        effort=effort_of(project),
        **_round(round_),
    )
    return render(request, "learning/overview.html", told)


def _round(round_: Round | None) -> dict[str, object]:
    if round_ is None:
        return {"round": None, "working": False}
    working = is_working(round_)
    asked = BatchField.objects.filter(batch=round_.batch_id)
    batch = asked.aggregate(asked=Count("pk"), labelled=Count("field__current_reading"))
    steps = steps_of(round_, runs_of(round_), timezone.now()) if working else []
    return {"round": round_, "working": working, "round_steps": steps, "batch": batch}


def _round_now(request: HttpRequest, told: dict[str, object], round_: Round | None) -> HttpResponse:
    """What the page asks for every two seconds while a round works; when it ends, the whole page is out of date."""
    answer = render(request, "learning/overview.html#round-now", told)
    if round_ is None or not is_working(round_):
        answer["HX-Refresh"] = "true"
    return answer


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in the tree. `missing`: training cells until it is learned on its own; None: it never is."""

    cell_class: CellClass
    depth: int
    counts: tuple[int, ...]
    total: int
    training: int
    missing: int | None


def class_rows(project: Project, counted: Tally) -> list[ClassRow]:
    """The classes that are offered, and retired ones that still have cells."""
    least = _least_cells(project)
    rows = list[ClassRow]()
    for place in in_tree_order(project.classes.all()):
        row = place.cell_class
        counts = tuple(part.cells.get(row.pk, 0) for part in counted.splits)
        training = counted.of(Split.TRAINING).cells.get(row.pk, 0)
        missing = None if row.kind == ClassKind.UNSURE else max(0, least - training)
        if row.retired_at is None or any(counts):
            rows.append(ClassRow(row, place.depth, counts, sum(counts), training, missing))
    return rows


def _least_cells(project: Project) -> int:
    """Training cells that a class needs to be learned on its own, as the next round would have it."""
    return settings_of(project.round_defaults).min_cells


@dataclass(frozen=True, slots=True)
class GateWants:
    """What tuning holds of what the gate needs before it compares a candidate with the model that is there."""

    cases: int
    cells: int
    least_cases: int = MIN_CASES
    least_cells: int = MIN_CELLS

    @property
    def missing(self) -> bool:
        return self.cases < self.least_cases or self.cells < self.least_cells


def gate_wants(counted: Tally) -> GateWants:
    tuning = counted.of(Split.TUNING)
    return GateWants(tuning.labelled_cases, tuning.objects)


def _curve(project: Project) -> Curve | None:
    """Only the headline figures: all that is known of a model may be megabytes."""
    rows = project.models.order_by("id").values(
        "label",
        "kind",
        "accepted",
        cells=F("card__cells"),
        test_ap50=F("metrics__test__ap50"),
        test_ends=F("metrics__test__intervals__ap50"),
        tuning_ap50=F("metrics__tuning__ap50"),
        tuning_ends=F("metrics__tuning__intervals__ap50"),
    )
    return curve_of(list(rows))


@dataclass(frozen=True, slots=True)
class Effort:
    """What became of the predictions on the labelled fields of one batch."""

    number: int
    fields: int
    accepted: int
    corrected: int
    drawn: int
    rejected: int

    @property
    def judged(self) -> int:
        return self.accepted + self.corrected + self.rejected


def effort_of(project: Project) -> list[Effort]:
    """The newest batches in which people drew, accepted, corrected or rejected anything, the newest first."""
    newest = project.batches.filter(opened_at__isnull=False).order_by("-number")
    numbers = dict(newest.values_list("pk", "number")[:MOST_BATCHES])
    asked = BatchField.objects.filter(batch__in=numbers, field__current_reading__isnull=False).order_by()
    cells = "field__current_reading__cells"
    born = asked.filter(**{f"{cells}__deleted_at": None}).values_list("batch", f"{cells}__provenance")
    made = {(batch, provenance): count for batch, provenance, count in born.annotate(Count(cells))}
    withdrawn = Q(field__current_reading__rejections__withdrawn_at=None)
    counted = asked.values_list("batch").annotate(
        labelled=Count("pk", distinct=True), rejected=Count("field__current_reading__rejections", filter=withdrawn)
    )
    rows = {batch: (labelled, rejected) for batch, labelled, rejected in counted}
    efforts = [
        Effort(
            number,
            rows[pk][0],
            made.get((pk, Provenance.ACCEPTED), 0),
            made.get((pk, Provenance.CORRECTED), 0),
            made.get((pk, Provenance.DRAWN), 0),
            rows[pk][1],
        )
        for pk, number in numbers.items()
        if pk in rows
    ]
    return [effort for effort in efforts if effort.judged or effort.drawn]
