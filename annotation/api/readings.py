"""Readings of a field: opened, looked at, written to, submitted, opened again."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission, visible_readings
from annotation.actions import readings as actions
from annotation.actions.leases import HeldError, renew_reading_lease
from annotation.actions.saving import MOST, Saved, save_changes
from annotation.actions.signing import sign_off_reading, take_back_sign_off
from annotation.api import answers
from annotation.api.answers import cell_json, cells_json, holder_json, reading_json
from annotation.api.base import View
from annotation.api.changes import read_cell, read_changes
from annotation.models import BatchField, Project, Reading, ReadingState

_CHANGES = PolymorphicProxySerializer(
    component_name="Change",
    serializers={"cell": answers.CellChange, "rejection": answers.RejectionChange},
    resource_type_field_name="type",
    many=False,
)


class ChangesBody(s.Serializer[Any]):
    changes = s.ListField(child=_CHANGES, max_length=MOST)


class OpenBody(s.Serializer[Any]):
    from_current = s.BooleanField(required=False, help_text="begin with copies of the current reading's cells")
    steal = s.BooleanField(required=False, help_text="take the field over from whoever is at work on it")


class SubmitBody(s.Serializer[Any]):
    exhaustive = s.BooleanField(help_text="every countable cell of the field is labelled")


class ReasonBody(s.Serializer[Any]):
    reason = s.CharField(max_length=500)


class HeldAnswer(s.Serializer[Any]):
    message = s.CharField()
    holder = answers.HolderAnswer()


class NextAnswer(s.Serializer[Any]):
    next = s.CharField(allow_null=True, help_text="page of the field that is asked for next")


class LeaseAnswer(s.Serializer[Any]):
    lease_until = s.DateTimeField()


class FieldReadings(View):
    """The readings of a field."""

    labelling = True

    @extend_schema(operation_id="list_readings", responses=answers.ReadingAnswer(many=True))
    def get(self, request: Request, key: str, code: str) -> Response:
        """The readings that you may see. Others' are shown once they are current; reviewers see all."""
        field = self.field()
        rows = visible_readings(self.actor, field.project).filter(field=field).select_related("author").order_by("pk")
        return Response([reading_json(row, self.actor) for row in rows])

    @extend_schema(
        operation_id="open_reading",
        request=OpenBody,
        parameters=[
            OpenApiParameter("from_current", bool, description="as in the body"),
            OpenApiParameter("steal", bool, description="as in the body"),
        ],
        responses={200: answers.OpenedAnswer, 409: HeldAnswer},
    )
    def post(self, request: Request, key: str, code: str) -> Response:
        """Open a reading of your own, or find the one that is open. 409 where somebody else is at work on the field."""
        field = self.field(Permission.LABEL)
        said = self.said(OpenBody) | self.asked(OpenBody)
        wanted = {name: said.get(name, False) for name in ("from_current", "steal")}
        try:
            reading = actions.open_reading(field=field, actor=self.actor, client=self.client, **wanted)
        except HeldError as error:
            return Response({"message": str(error), "holder": holder_json(error.holder)}, status=409)
        return Response({"reading": reading_json(reading, self.actor), "cells": cells_json(reading)})


class ReadingCells(View):
    @extend_schema(operation_id="list_cells", responses={200: answers.CellsAnswer})
    def get(self, request: Request, pk: int) -> Response:
        """The living cells of a reading, all at once."""
        return Response({"cells": cells_json(self.reading())})


class ReadingCell(View):
    labelling = True

    @extend_schema(
        operation_id="save_cell",
        request=answers.CellBody,
        responses={200: answers.CellAnswer, 409: answers.ConflictAnswer},
    )
    def put(self, request: Request, pk: int, uuid: Any) -> Response:
        """Save one cell. 409 with `current` where it was changed meanwhile: nothing is overwritten."""
        reading = self.reading(Permission.LABEL)
        edit = read_cell(request.data, uuid)
        (saved,) = save_changes(reading=reading, edits=[edit], actor=self.actor, client=self.client)
        if saved.cell is None:
            return Response({"message": saved.message}, status=422)
        if saved.status == "stale":
            return Response({"current": cell_json(saved.cell)}, status=409)
        return Response(cell_json(saved.cell))


class ReadingChanges(View):
    labelling = True

    @extend_schema(
        operation_id="save_changes",
        request=ChangesBody,
        responses={200: answers.ChangesAnswer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Save changes of cells and rejections. Each is answered for itself, in order; sent twice is saved once."""
        reading = self.reading(Permission.LABEL)
        results = save_changes(reading=reading, edits=read_changes(request.data), actor=self.actor, client=self.client)
        return Response({"results": [_result(result) for result in results]})


def _result(saved: Saved) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": saved.status}
    if saved.cell is not None:
        answer["cell"] = cell_json(saved.cell)
    if saved.message:
        answer["message"] = saved.message
    return answer


class ReadingSubmit(View):
    labelling = True

    @extend_schema(operation_id="submit_reading", request=SubmitBody, responses={200: NextAnswer})
    def post(self, request: Request, pk: int) -> Response:
        """Close your reading; it counts from now on."""
        reading = self.reading(Permission.LABEL)
        exhaustive = self.said(SubmitBody)["exhaustive"]
        actions.submit_reading(reading=reading, exhaustive=exhaustive, actor=self.actor, client=self.client)
        return Response({"next": _next_page(reading.field.project, self.actor.pk)})


def _next_page(project: Project, user: int) -> str | None:
    """What the person has begun in the queue, else the first field that nobody else is at work on."""
    waiting: Any = BatchField.objects.filter(batch__project=project)
    waiting = waiting.waiting().order_by("batch__number", "rank").values_list("field__code", flat=True)
    begun = waiting.filter(field__readings__author=user, field__readings__state=ReadingState.OPEN)
    code = begun.first() or waiting.free_for(user).first()
    return None if code is None else reverse("workbench", args=[project.key, code])


class ReadingReopen(View):
    labelling = True

    @extend_schema(operation_id="reopen_reading", request=ReasonBody, responses={200: answers.ReadingAnswer})
    def post(self, request: Request, pk: int) -> Response:
        """Open a submitted reading for its author again, with a reason that stays on record."""
        reading = self.reading(Permission.LABEL)
        reason = self.said(ReasonBody)["reason"]
        opened = actions.reopen_reading(reading=reading, reason=reason, actor=self.actor, client=self.client)
        return self.answer(opened)

    def answer(self, reading: Reading) -> Response:
        return Response(reading_json(reading, self.actor))


class ReadingHeartbeat(View):
    labelling = True

    @extend_schema(operation_id="renew_reading_lease", request=None, responses={200: LeaseAnswer})
    def post(self, request: Request, pk: int) -> Response:
        """Say that you are still at work: the queue offers the field to nobody else for a minute."""
        reading = self.reading(Permission.LABEL)
        held = renew_reading_lease(reading=reading, actor=self.actor)
        return Response({"lease_until": held.lease_until})


class ReadingSignOff(View):
    @extend_schema(operation_id="sign_off_reading", request=None, responses={200: answers.ReadingAnswer})
    def post(self, request: Request, pk: int) -> Response:
        """Vouch, as a reviewer, for the current reading of a field."""
        reading = self.reading(Permission.REVIEW)
        return Response(
            reading_json(sign_off_reading(reading=reading, actor=self.actor, client=self.client), self.actor)
        )


class ReadingTakeBack(View):
    @extend_schema(operation_id="take_back_sign_off", request=ReasonBody, responses={200: answers.ReadingAnswer})
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw a sign-off, with a reason that stays on record."""
        reading = self.reading(Permission.REVIEW)
        reason = self.said(ReasonBody)["reason"]
        taken = take_back_sign_off(reading=reading, reason=reason, actor=self.actor, client=self.client)
        return Response(reading_json(taken, self.actor))
