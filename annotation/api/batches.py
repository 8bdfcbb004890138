"""Batches: the frozen lists of fields that experts are asked for."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import View
from annotation.api.pages import listed
from annotation.models import Batch, BatchField


class BatchAnswer(s.ModelSerializer[Batch]):
    asked = s.IntegerField(help_text="fields")
    labelled = s.IntegerField(help_text="of them")

    class Meta:
        model = Batch
        fields = [
            *("number", "strategy", "seed", "model_id", "model_label", "asked", "labelled"),
            *("created_at", "opened_at", "closed_at"),
        ]
        read_only_fields = fields


class AskedAnswer(s.ModelSerializer[BatchField]):
    code = s.CharField(source="field.code")
    name = s.CharField(source="field.public_name")
    labelled = s.SerializerMethodField()

    class Meta:
        model = BatchField
        fields = ["rank", "code", "name", "score", "reason", "labelled"]
        read_only_fields = fields

    def get_labelled(self, row: BatchField) -> bool:
        return row.field.current_reading_id is not None


class BatchFilter(s.Serializer[Any]):
    open = s.ChoiceField([("true", "true"), ("false", "false")], required=False)


class Batches(View):
    @listed("list_batches", BatchAnswer, BatchFilter)
    def get(self, request: Request, key: str) -> Response:
        """The batches, the newest first."""
        rows = self.project().batches.annotate(asked=Count("fields"), labelled=Count("fields__field__current_reading"))
        said = self.asked(BatchFilter).get("open")
        if said is not None:
            is_open = {"opened_at__isnull": False, "closed_at__isnull": True}
            rows = rows.filter(**is_open) if said == "true" else rows.exclude(**is_open)
        return self.paged(rows.order_by("-number"), BatchAnswer)


class OneBatch(View):
    @extend_schema(operation_id="read_batch", responses={200: BatchAnswer})
    def get(self, request: Request, key: str, number: int) -> Response:
        """One batch; its fields are at fields/."""
        rows = self.project().batches.annotate(asked=Count("fields"), labelled=Count("fields__field__current_reading"))
        return Response(BatchAnswer(get_object_or_404(rows, number=number)).data)


class BatchFields(View):
    @listed("list_batch_fields", AskedAnswer)
    def get(self, request: Request, key: str, number: int) -> Response:
        """The fields of a batch, with the reason for each; rank 1 is asked first."""
        batch = get_object_or_404(Batch, project=self.project(), number=number)
        return self.paged(batch.fields.select_related("field__case").order_by("rank"), AskedAnswer)
