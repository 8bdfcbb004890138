"""Second opinions by the API: which cells ask, and what a reviewer says of one."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission
from annotation.actions.opinions import MOST_LETTERS, give_opinion
from annotation.api import answers
from annotation.api.answers import OpinionAnswer, cell_json, made, opinion_json
from annotation.api.base import View
from annotation.api.pages import listed
from annotation.models import Cell

OpinionBody = made(
    "OpinionBody",
    {
        "class": s.IntegerField(min_value=1, max_value=2**31 - 1, help_text="number of a class of the project"),
        "note": s.CharField(required=False, allow_blank=True, max_length=MOST_LETTERS),
        "version": s.IntegerField(
            required=False, min_value=1, max_value=2**31 - 1, help_text="of the cell, as you saw it"
        ),
    },
    "What a reviewer says.",
)


class AskingCell(s.Serializer[Cell]):
    """A cell that asks, and where it lies."""

    def to_representation(self, instance: Cell) -> dict[str, Any]:
        return {"field": instance.reading.field.code, "reading": instance.reading_id, **cell_json(instance)}


AskingCellAnswer = made(
    "AskingCell",
    {"field": s.CharField(help_text="its code"), "reading": s.IntegerField(), **answers.CELL},
    "A cell whose reader asks for a second opinion.",
)


class Asking(View):
    @listed("list_cells_that_ask", AskingCellAnswer)
    def get(self, request: Request, key: str) -> Response:
        """The cells whose readers ask for a second opinion and have none yet, the oldest first."""
        project = self.project(Permission.REVIEW)
        rows = Cell.objects.asking().filter(project=project, opinions=None)
        return self.paged(rows.select_related("cell_class", "author", "reading__field").order_by("pk"), AskingCell)


class CellOpinions(View):
    @extend_schema(operation_id="give_opinion", request=OpinionBody, responses={201: OpinionAnswer})
    def post(self, request: Request, pk: int, uuid: Any) -> Response:
        """Say, as a reviewer, what a cell is whose reader was unsure. The cell stays as its reader has it."""
        reading = self.reading(Permission.REVIEW)
        said = self.said(OpinionBody)
        cell = get_object_or_404(reading.cells, uuid=uuid)
        chosen = get_object_or_404(reading.field.project.classes, number=said["class"])
        given = give_opinion(
            cell=cell,
            cell_class=chosen,
            note=said.get("note", ""),
            version=said.get("version"),
            actor=self.actor,
            client=self.client,
        )
        return Response(opinion_json(given), status=201)
