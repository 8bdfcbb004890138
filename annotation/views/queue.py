"""The queue: the fields that wait for labels, what one has begun, and the way to the next field."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from annotation.access import Permission
from annotation.models import BatchField, Cell, Field, Reading, ReadingState, Split
from annotation.models.loop import BatchFieldQuerySet
from annotation.views.entry import Entry, enter

A_PAGE = 50
MOST_BEGUN, MOST_RECENT = 20, 10


@login_required
@require_safe
def queue(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key, Permission.LABEL)
    waiting = _waiting(entry)
    page = Paginator(waiting.select_related("batch", "field__case"), A_PAGE).get_page(request.GET.get("page"))
    mine = _mine(entry)
    begun = list(mine.filter(state=ReadingState.OPEN).order_by("-id")[:MOST_BEGUN])
    told = entry.context(
        "queue",
        page=page,
        rows=_with_people(list(page.object_list)),
        begun=begun,
        begun_codes={reading.field.code for reading in begun},
        recent=mine.filter(state__in=[ReadingState.SUBMITTED, ReadingState.SIGNED_OFF]).order_by("-submitted_at")[
            :MOST_RECENT
        ],
        batches=_batches(entry),
        unlabelled=_unlabelled(entry),
        asking=_asking(entry),
    )
    return render(request, "annotation/queue.html", told)


@login_required
@require_safe
def next_field(request: HttpRequest, key: str) -> HttpResponse:
    """Go to the workbench of the next field: what one has begun in the queue, else the first that nobody else holds.

    `skip` is the code of a field to pass over. With nothing left, the queue says what comes next.
    """
    entry = enter(request, key, Permission.LABEL)
    waiting = _waiting(entry).exclude(field__code=request.GET.get("skip", ""))
    begun = waiting.filter(field__readings__author=entry.actor, field__readings__state=ReadingState.OPEN)
    code = _first(begun) or _first(waiting.free_for(entry.actor.pk))
    if code is not None:
        return redirect("workbench", key, code)
    held = waiting.count()
    if held:
        messages.info(request, f"Others are at work on the {held} field{'s' if held > 1 else ''} still waiting.")
    return redirect("queue", key)


def _waiting(entry: Entry) -> BatchFieldQuerySet:
    found: BatchFieldQuerySet = BatchField.objects.filter(batch__project=entry.project).waiting()
    return found.order_by("batch__number", "rank")


def _first(waiting: BatchFieldQuerySet) -> str | None:
    return waiting.values_list("field__code", flat=True).first()


def _mine(entry: Entry) -> QuerySet[Reading]:
    return (
        Reading.objects.filter(field__project=entry.project, author=entry.actor)
        .select_related("field__case")
        .annotate(cells_alive=Count("cells", filter=Q(cells__deleted_at=None)))
    )


def _with_people(rows: list[BatchField]) -> list[dict[str, object]]:
    """Each row with the readings of those who are at work on its field, by one query."""
    at_work: dict[int, list[Reading]] = {}
    for reading in Reading.objects.at_work().filter(field__in=[row.field_id for row in rows]).select_related("author"):
        at_work.setdefault(reading.field_id, []).append(reading)
    return [{"asked": row, "readings": at_work.get(row.field_id, [])} for row in rows]


def _batches(entry: Entry) -> list[Any]:
    """The open batches and how far they are."""
    open_ones = entry.project.batches.filter(opened_at__isnull=False, closed_at=None).order_by("number")
    return list(
        open_ones.values("number", "strategy", "model_label").annotate(
            asked=Count("fields"), labelled=Count("fields__field__current_reading")
        )
    )


def _asking(entry: Entry) -> int:
    """For who may answer: how many cells wait for a second opinion."""
    if Permission.REVIEW not in entry.can:
        return 0
    return Cell.objects.asking().filter(project=entry.project, opinions=None).count()


def _unlabelled(entry: Entry) -> dict[str, int]:
    """Fields that nobody has labelled: of held-out splits, and of the pool."""
    rows = Field.objects.filter(project=entry.project, current_reading=None).order_by().values_list("split")
    counts = dict(rows.annotate(Count("pk")))
    pool = counts.pop(Split.TRAINING, 0)
    return {"pool": pool, "held_out": sum(counts.values())}
