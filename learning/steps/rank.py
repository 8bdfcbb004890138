"""The second step: look at the unlabelled fields and choose the batch that teaches most.

The teacher that passed its gate looks; without one the starter weights serve for a cold start. Until validation,
tuning and test hold the labelled fields that the project asks for, the batch is drawn at random over all splits.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from annotation.actions.batches import Asked, publish_batch
from annotation.models import Field, Split
from learning.actions.models import incumbent_teacher
from learning.models import ModelVersion, Round
from learning.steps.context import Context
from learning.steps.pool import rank_pool
from learning.steps.publishing import Publish

HELD_OUT = (Split.VALIDATION, Split.TUNING, Split.TEST)


def perform(context: Context) -> Publish:
    context.say("choosing the batch")
    missing = _missing(context)
    model = None if missing else incumbent_teacher(context.project)
    aside: list[dict[str, Any]] = []
    if missing:
        strategy, asked = "random", _first_batch(context, missing)
    else:
        strategy = context.settings.strategy
        asked, aside, strategy = rank_pool(context, model)

    def publish() -> dict[str, Any]:
        _publish(context, strategy, asked, model)
        return {"batch": len(asked), "strategy": strategy, "set_aside": aside}

    return publish


def _publish(context: Context, strategy: str, asked: Sequence[Asked], model: ModelVersion | None) -> None:
    if context.round is None:
        return
    batch = publish_batch(
        project=context.project,
        number=context.round.number,
        strategy=strategy,
        seed=context.settings.seed,
        asked=asked,
        model_id=model.pk if model else None,
        model_label=model.label if model else "",
    )
    Round.objects.filter(pk=context.round.pk).update(batch=batch)
    context.round.refresh_from_db()


def _missing(context: Context) -> Counter[str]:
    """How many labelled fields each held-out split still lacks, where it has unlabelled ones to offer."""
    fields = Field.objects.filter(project=context.project)
    missing: Counter[str] = Counter()
    for split in HELD_OUT:
        lacking = context.project.min_labelled - fields.filter(split=split).labelled().count()
        if lacking > 0 and fields.filter(split=split).unlabelled().exists():
            missing[split] = lacking
    return missing


def _first_batch(context: Context, missing: Counter[str]) -> list[Asked]:
    fields = list(Field.objects.filter(project=context.project).unlabelled().select_related("case").order_by("pk"))
    random.Random(context.settings.seed).shuffle(fields)
    needs = ", ".join(f"{split} lacks {count}" for split, count in missing.items())
    reason = f"random over all splits: labelled fields to measure with come first ({needs})"
    return [Asked(field, 0.0, reason) for field in fields[: context.settings.budget]]
