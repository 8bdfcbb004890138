"""Rejections: a person says of a prediction, in one reading, that it is wrong, or takes that back."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from annotation.access import Actor
from annotation.actions.cells import Pen, hold_reading
from annotation.models import Event, Prediction, Reading, Rejection


@transaction.atomic
def reject_prediction(*, reading: Reading, prediction: Prediction, actor: Actor, client: str = "") -> bool:
    """Say that `prediction` is wrong. It stays, and is no longer offered in this reading. False: it was said before.

    Raises CellError for a reading that is closed or another's, or a prediction of another field.
    """
    return _write(Pen(hold_reading(reading, actor), actor, client), prediction, rejected=True)


@transaction.atomic
def withdraw_rejection(*, reading: Reading, prediction: Prediction, actor: Actor, client: str = "") -> bool:
    """Offer the prediction again. False: it was not rejected."""
    return _write(Pen(hold_reading(reading, actor), actor, client), prediction, rejected=False)


def write_rejection(pen: Pen, prediction: Prediction, *, rejected: bool, known: Rejection | None) -> Rejection | None:
    """For a caller who holds the reading of `pen`; `known` is the row that stands for both already."""
    pen.check_prediction(prediction)
    is_rejected = known is not None and known.withdrawn_at is None
    if rejected == is_rejected:
        return known
    if known is None:
        known = Rejection.objects.create(reading=pen.reading, prediction=prediction, author=pen.actor)
    else:
        known.withdrawn_at = None if rejected else timezone.now()
        known.save(update_fields=["withdrawn_at"])
    pen.events.append(
        Event(
            project_id=pen.reading.field.project_id,
            reading=pen.reading,
            actor=pen.actor,
            verb="rejected" if rejected else "rejection withdrawn",
            after={"prediction": prediction.pk},
            client=pen.client,
            seconds=pen.seconds,
        )
    )
    return known


def _write(pen: Pen, prediction: Prediction, *, rejected: bool) -> bool:
    known = Rejection.objects.filter(reading=pen.reading, prediction=prediction).first()
    write_rejection(pen, prediction, rejected=rejected, known=known)
    done = bool(pen.events)
    pen.finish()
    return done
