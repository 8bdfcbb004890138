"""The last step: the deployed student predicts on the batch, and the batch goes out to the experts.

A run without a round predicts on the one field that somebody waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotation.actions.predictions import Suggestion, publish_predictions
from annotation.models import Field, Prediction
from learning import starter
from learning.actions.models import deployed_model
from learning.exchange import record_of_field, suggestions_of
from learning.models import ModelVersion, Round
from learning.steps.context import Context
from learning.steps.looking import Looker, Report, look
from learning.steps.publishing import Publish
from models_zoo.nms import one_per_cell

# Stored from this score on; the threshold of the model says which of them are shown at first.
STORED_FROM = 0.1


@dataclass(frozen=True)
class Predicted:
    """What a model suggests on some fields; `shown` of the suggestions reach its threshold."""

    fields: Sequence[Field]
    suggestions: list[Suggestion]
    shown: int


def perform(context: Context) -> Publish:
    if context.run.field is not None:
        fields, model = [context.run.field], deployed_model(context.project)
        model = model or starter.adopt_starter(project=context.project, scratch=context.folder)
    else:
        fields, model = _batch_fields(context), deployed_model(context.project)
    if model is None or not fields:
        return lambda: _publish(context, None, Predicted(fields, [], 0))
    out = context.folder / "predictions.npz"
    predicted = predict_fields(model, fields, out, context.device, context.counting("predicting"))
    return lambda: _publish(context, model, predicted)


def predict_fields(
    model: ModelVersion, fields: Sequence[Field], out: Path, device: str, report: Report | None = None
) -> Predicted:
    """What `model` suggests on `fields`: one detection a cell, in the weak shape of its card."""
    looker = Looker.of(model)
    records = [record_of_field(field, looker.working) for field in fields]
    found = look(looker, records, out, device, report, min_score=STORED_FROM)
    classes = {row.number: row for row in model.project.classes.all()}
    weak = model.card["weak_shape"]
    suggestions = [
        suggestion
        for field in fields
        for suggestion in suggestions_of(field, one_per_cell(found[str(field.pk)]), looker.numbers, classes, weak)
    ]
    return Predicted(fields, suggestions, sum(item.score >= model.threshold for item in suggestions))


def _batch_fields(context: Context) -> list[Field]:
    batch = context.round.batch if context.round else None
    if batch is None:
        return []
    return [row.field for row in batch.fields.select_related("field__case").order_by("rank")]


def _publish(context: Context, model: ModelVersion | None, predicted: Predicted) -> dict[str, Any]:
    count = 0
    if model is not None:
        publish_predictions(
            project=context.project,
            model_id=model.pk,
            model_label=model.label,
            fields=predicted.fields,
            suggestions=predicted.suggestions,
        )
        # A field that was asked for before may have its predictions already: they wait on this batch, too.
        count = Prediction.objects.filter(field__in=predicted.fields, model_id=model.pk).count()
    if context.round is not None:
        Round.objects.filter(pk=context.round.pk).update(predictions=count)
        context.round.refresh_from_db()
    return {
        "model": model.label if model else None,
        "model_id": model.pk if model else None,
        "predictions": count,
        "shown": predicted.shown,
    }
