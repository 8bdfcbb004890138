"""Batches: frozen lists of the fields that experts are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from annotation.access import Actor, Permission, require
from annotation.models import Batch, BatchField, Field, Project


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of a batch, with the score that put it there and the reason in a sentence."""

    field: Field
    score: float
    reason: str


@transaction.atomic
def publish_batch(
    *,
    project: Project,
    number: int,
    strategy: str,
    seed: int,
    asked: Sequence[Asked],
    model_id: int | None = None,
    model_label: str = "",
    actor: Actor = None,
) -> Batch:
    """Freeze the batch of round `number`; `open_batch` asks people for it. A second call leaves the first as it is."""
    require(actor, project, Permission.RUN)
    batch, new = Batch.objects.get_or_create(
        project=project,
        number=number,
        defaults={"strategy": strategy, "seed": seed, "model_id": model_id, "model_label": model_label},
    )
    if new:
        BatchField.objects.bulk_create(
            BatchField(batch=batch, field=item.field, rank=rank, score=item.score, reason=item.reason[:300])
            for rank, item in enumerate(asked, start=1)
        )
    return batch


@transaction.atomic
def open_batch(*, batch: Batch, actor: Actor = None) -> bool:
    """Ask people for the fields of `batch` from now on, and no longer for those of the batches before it.

    False: it was opened before.
    """
    require(actor, batch.project, Permission.RUN)
    if not Batch.objects.filter(pk=batch.pk, opened_at__isnull=True).update(opened_at=timezone.now()):
        return False
    for earlier in Batch.objects.filter(project=batch.project_id, closed_at__isnull=True).exclude(pk=batch.pk):
        close_batch(batch=earlier, actor=actor)
    return True


def close_batch(*, batch: Batch, actor: Actor = None) -> bool:
    """End a batch: its unlabelled fields return to the pool. False when it was closed already."""
    require(actor, batch.project, Permission.RUN)
    return bool(Batch.objects.filter(pk=batch.pk, closed_at__isnull=True).update(closed_at=timezone.now()))
