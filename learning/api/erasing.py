"""Erasing a case, and the record of what was erased."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission
from annotation.api.answers import name_of
from annotation.api.base import View
from annotation.api.pages import listed
from annotation.models import Case, Erasure
from learning.actions.erasing import erase_case


class EraseBody(s.Serializer[Any]):
    confirm = s.CharField(max_length=80, help_text="the code of the case")


class ErasureAnswer(s.ModelSerializer[Erasure]):
    author = s.SerializerMethodField()
    counts = s.DictField(child=s.IntegerField(), help_text="what went, by kind")
    learned_by = s.ListField(child=s.CharField(), help_text="models that had learned from the case")

    class Meta:
        model = Erasure
        fields = ["id", "author", "counts", "learned_by", "created_at"]
        read_only_fields = fields

    def get_author(self, row: Erasure) -> str | None:
        return name_of(row.author)


class CaseErase(View):
    @extend_schema(operation_id="erase_case", request=EraseBody, responses={201: ErasureAnswer})
    def post(self, request: Request, key: str, pk: int) -> Response:
        """Erase a case everywhere. It cannot be taken back."""
        project = self.project(Permission.ADMINISTER)
        case = get_object_or_404(Case.objects.select_related("project"), project=project, pk=pk)
        erasure = erase_case(case=case, **self.said(EraseBody), actor=self.actor, client=self.client)
        return Response(ErasureAnswer(erasure).data, status=201)


class Erasures(View):
    @listed("list_erasures", ErasureAnswer)
    def get(self, request: Request, key: str) -> Response:
        """What was erased in the project, the newest first; no patient is named."""
        rows = self.project(Permission.ADMINISTER).erasures.select_related("author")
        return self.paged(rows, ErasureAnswer)
