"""Predictions: what a model suggests on a field, stored beside people's work, never over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation.access import Actor, Permission, require
from annotation.models import CellClass, Event, Field, Prediction, Project, Reading, Source
from annotation.shapes import Shape

CHUNK = 2000
# Readings that were made with the predictions in view.
READ = (Source.DRAWN, Source.ADJUDICATED, Source.SIMULATED)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One detection as it will be shown: its shape in field pixels, class, score, and the best three classes."""

    field: Field
    cell_class: CellClass
    shape: Shape
    score: float
    class_scores: tuple[tuple[int, float], ...]


@transaction.atomic
def publish_predictions(
    *,
    project: Project,
    model_id: int,
    model_label: str,
    fields: Iterable[Field],
    suggestions: Iterable[Suggestion],
    actor: Actor = None,
) -> int:
    """Store what one model suggests on `fields`; returns how many.

    A field that this model has predicted before keeps its predictions: they never change, and cells may point to them.
    """
    require(actor, project, Permission.RUN)
    # Two that predict at once must not both find a field bare.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    ids = [field.pk for field in fields]
    done = set(
        Prediction.objects.filter(field_id__in=ids, model_id=model_id).values_list("field_id", flat=True).distinct()
    )
    rows = [
        Prediction(
            field=item.field,
            model_id=model_id,
            model_label=model_label,
            cell_class=item.cell_class,
            kind=item.shape.kind,
            points=[round(value, 2) for value in item.shape.points],
            score=item.score,
            class_scores=[list(pair) for pair in item.class_scores],
        )
        for item in suggestions
        if item.field.pk not in done
    ]
    Prediction.objects.bulk_create(rows, batch_size=CHUNK)
    return len(rows)


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many predictions of a model are gone, and how many stay because a person has worked on their fields."""

    deleted: int
    kept: int


def untouched_predictions(project: Project, model_id: int) -> QuerySet[Prediction]:
    """The predictions of a model on fields that nobody has begun to read."""
    begun = Reading.objects.filter(field=OuterRef("field"), source__in=READ)
    return Prediction.objects.filter(~Exists(begun), field__project=project, model_id=model_id)


@transaction.atomic
def delete_predictions(*, project: Project, model_id: int, model_label: str, actor: Actor, client: str = "") -> Deleted:
    """Delete what one model suggests wherever nobody has begun to read.

    Elsewhere its predictions stay: cells came from them or were judged against them, and the report of a round counts
    them.
    """
    require(actor, project, Permission.RUN)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    deleted = untouched_predictions(project, model_id).delete()[1].get(Prediction._meta.label, 0)
    kept = Prediction.objects.filter(field__project=project, model_id=model_id).count()
    if deleted:
        said = {"model": model_label, "deleted": deleted, "kept": kept}
        Event.objects.create(project=project, actor=actor, verb="predictions_deleted", after=said, client=client)
    return Deleted(deleted, kept)
