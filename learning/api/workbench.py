"""What the page of a field needs: its cells, what the model suggests, and predictions on demand."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission, permissions_of, visible_readings
from annotation.actions.calibrating import calibrate_field
from annotation.actions.key_bindings import key_bindings_of
from annotation.actions.leases import holder_of
from annotation.api import answers
from annotation.api.answers import (
    cells_json,
    class_json,
    holder_json,
    opinions_json,
    predictions_json,
    reading_json,
    trash_json,
)
from annotation.api.base import View
from annotation.api.fields import Number
from annotation.models import BatchField, Field, Reading, ReadingState
from annotation.views.pictures import picture_address, tiles_of
from learning.actions.predicting import predict_field
from learning.suggestions import suggested


class RunNumber(s.Serializer[Any]):
    run = s.IntegerField(help_text="ask GET /api/runs/{id}/ how it goes")


class Workbench(View):
    @extend_schema(operation_id="read_workbench", responses={200: answers.WorkbenchAnswer})
    def get(self, request: Request, key: str, code: str) -> Response:
        """All that the page of a field needs. `reading`: your open one, else the current one, else your latest."""
        field = self.field()
        project = field.project
        can = permissions_of(self.actor, project)
        reading = _reading(self, field)
        shown = suggested(field, reading, self.actor)
        holder = holder_of(field.pk, self.actor)
        return Response(
            {
                "field": _field(field),
                "project": {"key": project.key, "weak_shape": project.weak_shape},
                "classes": [class_json(row) for row in project.classes.select_related("parent")],
                **shown.told(),
                "predictions": predictions_json(shown.rows(field), reading),
                "reading": None if reading is None else reading_json(reading, self.actor),
                "holder": None if holder is None else holder_json(holder),
                "cells": [] if reading is None else cells_json(reading),
                "trash": trash_json(reading) if reading and reading.author_id == self.actor.pk else [],
                "opinions": [] if reading is None else opinions_json(reading),
                "keys": key_bindings_of(self.actor),
                "may": {
                    "label": Permission.LABEL in can,
                    "review": Permission.REVIEW in can,
                    "run": Permission.RUN in can,
                },
            }
        )


class FieldPredict(View):
    labelling = True

    @extend_schema(operation_id="predict_field", request=None, responses={202: RunNumber})
    def post(self, request: Request, key: str, code: str) -> Response:
        """Ask the deployed model for predictions on this field, now. Not where the field is read without them."""
        return Response({"run": predict_field(field=self.field(), actor=self.actor).pk}, status=202)


class FieldPredictions(View):
    @extend_schema(
        operation_id="list_predictions",
        parameters=[OpenApiParameter("newest", bool, description="those of the deployed model, whatever was answered")],
        responses={200: answers.PredictionsAnswer},
    )
    def get(self, request: Request, key: str, code: str) -> Response:
        """What the model suggests on this field, from its lowest score on; a page shows those from the threshold."""
        field = self.field()
        reading = _reading(self, field)
        shown = suggested(field, reading, self.actor, newest="newest" in request.query_params)
        return Response({**shown.told(), "predictions": predictions_json(shown.rows(field), reading)})


class FieldSuggested(View):
    @extend_schema(operation_id="read_suggested_model", responses={200: answers.SuggestedAnswer})
    def get(self, request: Request, key: str, code: str) -> Response:
        """Whose predictions the field shows, without them: an open page asks whether a new model was promoted."""
        field = self.field()
        return Response(suggested(field, _reading(self, field), self.actor).told())


class ScaleBody(s.Serializer[Any]):
    pixels = Number(help_text="the length that was measured, in pixels of the field")
    um = Number(help_text="how long it is in truth, in µm")
    whole_slide = s.BooleanField(required=False, help_text="set the scale of all fields of the slide")


class ScaleAnswer(s.Serializer[Any]):
    um_per_px = s.FloatField()
    changed = s.IntegerField(help_text="fields whose scale is this now")


class FieldScale(View):
    @extend_schema(operation_id="calibrate_field", request=ScaleBody, responses={200: ScaleAnswer})
    def post(self, request: Request, key: str, code: str) -> Response:
        """Set µm per pixel from a known length on the field. What it was before stays on record."""
        field = self.field(Permission.REVIEW)
        said = self.said(ScaleBody)
        done = calibrate_field(
            field=field,
            pixels=said["pixels"],
            um=said["um"],
            whole_slide=said.get("whole_slide", False),
            actor=self.actor,
            client=self.client,
        )
        return Response({"um_per_px": done[0].um_per_px, "changed": len(done)})


def _reading(view: View, field: Field) -> Reading | None:
    rows = visible_readings(view.actor, field.project).filter(field=field).select_related("author")
    mine = rows.filter(author=view.actor).order_by("-pk")
    opened = mine.filter(state=ReadingState.OPEN).first()
    return opened or rows.filter(field__current_reading=F("pk")).first() or mine.first()


def _field(field: Field) -> dict[str, Any]:
    previous, following = _neighbours(field)
    return {
        "code": field.code,
        "name": field.public_name,
        "width": field.width,
        "height": field.height,
        "um_per_px": field.um_per_px,
        "image": picture_address(field),
        "tiles": tiles_of(field),
        "previous": _page(field, previous),
        "next": _page(field, following),
    }


def _neighbours(field: Field) -> tuple[str | None, str | None]:
    """Codes of the fields before and after: in the open batch that asks for this one, else in the project."""
    asked = BatchField.objects.filter(field=field, batch__opened_at__isnull=False, batch__closed_at=None).first()
    if asked is not None:
        batch = BatchField.objects.filter(batch=asked.batch_id).values_list("field__code", flat=True)
        before = batch.filter(rank__lt=asked.rank).order_by("-rank").first()
        return before, batch.filter(rank__gt=asked.rank).order_by("rank").first()
    codes = Field.objects.filter(project=field.project_id).values_list("code", flat=True)
    before = codes.filter(pk__lt=field.pk).order_by("-pk").first()
    return before, codes.filter(pk__gt=field.pk).order_by("pk").first()


def _page(field: Field, code: str | None) -> str | None:
    return None if code is None else reverse("workbench", args=[field.project.key, code])
