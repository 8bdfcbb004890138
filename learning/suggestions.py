"""Which model's predictions a person is shown: the deployed one's, unless a reading has answered another's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from annotation.access import Actor, may_see_predictions
from annotation.models import Field, Prediction, Reading
from learning.actions.models import deployed_model
from learning.models import ModelVersion


@dataclass(frozen=True, slots=True)
class Suggested:
    """`newest`: the model whose predictions an untouched field shows now. `hidden`: the field is read blind."""

    model: ModelVersion | None = None
    newest: ModelVersion | None = None
    hidden: bool = False

    def rows(self, field: Field) -> list[Prediction]:
        if self.model is None:
            return []
        rows = Prediction.objects.filter(field=field, model_id=self.model.pk)
        return list(rows.select_related("cell_class").order_by("pk"))

    def told(self) -> dict[str, Any]:
        return {"model": _model(self.model), "newest": _model(self.newest), "predictions_hidden": self.hidden}


def suggested(field: Field, reading: Reading | None, actor: Actor, *, newest: bool = False) -> Suggested:
    """What `actor` is shown on `field` beside `reading`.

    What a person has decided about stays: a reading in which predictions were answered keeps showing those of their
    model, until the person asks for the `newest`.
    """
    if not may_see_predictions(actor, field):
        return Suggested(hidden=True)
    now = _newest(field)
    answered = None if newest or reading is None else _answered(field, reading)
    return Suggested(answered or now, now)


def _newest(field: Field) -> ModelVersion | None:
    """The deployed model; where it has made no predictions here, the model that did so last."""
    rows = Prediction.objects.filter(field=field)
    model = deployed_model(field.project)
    if model is not None and rows.filter(model_id=model.pk).exists():
        return model
    latest = rows.order_by("-pk").values("model_id")[:1]
    return ModelVersion.objects.filter(pk__in=latest, project=field.project).first() or model


def _answered(field: Field, reading: Reading) -> ModelVersion | None:
    """The model whose predictions became cells of the reading or were rejected in it; of several the last one."""
    rows = Prediction.objects.filter(field=field).filter(
        Q(cells__reading=reading, cells__deleted_at=None)
        | Q(rejections__reading=reading, rejections__withdrawn_at=None)
    )
    pk = rows.order_by("-pk").values_list("model_id", flat=True).first()
    return None if pk is None else ModelVersion.objects.filter(pk=pk, project=field.project).first()


def _model(model: ModelVersion | None) -> dict[str, Any] | None:
    return None if model is None else {"id": model.pk, "label": model.label, "threshold": model.threshold}
