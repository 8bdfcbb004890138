"""Cases, fields with their pictures, readings and cells: what there is to look at."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission
from annotation.actions.signing import sign_off_case
from annotation.api import answers
from annotation.api.answers import cell_json, reading_json
from annotation.api.base import View
from annotation.api.pages import listed
from annotation.models import Case, Cell, Field, Reading, ReadingState, Split
from annotation.views import pictures


class CaseAnswer(s.ModelSerializer[Case]):
    state = s.CharField(help_text="unlabelled, partly, labelled or signed_off")
    split = s.CharField(allow_null=True)
    field_count = s.IntegerField()
    labelled_count = s.IntegerField()
    signed_count = s.IntegerField()

    class Meta:
        model = Case
        fields = ["id", "code", "state", "split", "field_count", "labelled_count", "signed_count", "created_at"]
        read_only_fields = fields


class CaseFilter(s.Serializer[Any]):
    q = s.CharField(required=False, max_length=80, help_text="part of the code")


class UntilBody(s.Serializer[Any]):
    until = s.DateTimeField(help_text="when you looked: what was submitted since is left")


class SignedAnswer(s.Serializer[Any]):
    signed = s.IntegerField()
    newer = s.IntegerField(help_text="left, because they came after you looked")


class Cases(View):
    @listed("list_cases", CaseAnswer, CaseFilter)
    def get(self, request: Request, key: str) -> Response:
        """The cases and how far they are."""
        rows = Case.objects.filter(project=self.project())
        words = self.asked(CaseFilter).get("q")
        if words:
            rows = rows.filter(code__icontains=words)
        return self.paged(rows.with_progress().order_by("pk"), CaseAnswer)


class OneCase(View):
    @extend_schema(operation_id="read_case", responses={200: CaseAnswer})
    def get(self, request: Request, key: str, pk: int) -> Response:
        """A case and how far it is."""
        rows = Case.objects.filter(project=self.project()).with_progress()
        return Response(CaseAnswer(get_object_or_404(rows, pk=pk)).data)


class CaseSignOff(View):
    @extend_schema(operation_id="sign_off_case", request=UntilBody, responses={200: SignedAnswer})
    def post(self, request: Request, key: str, pk: int) -> Response:
        """Vouch, as a reviewer, for the current readings of all labelled fields of a case."""
        rows = Case.objects.select_related("project")
        case = get_object_or_404(rows, project=self.project(Permission.REVIEW), pk=pk)
        until = self.said(UntilBody)["until"]
        done = sign_off_case(case=case, until=until, actor=self.actor, client=self.client)
        return Response({"signed": done.signed, "newer": done.newer})


class FieldAnswer(s.ModelSerializer[Field]):
    name = s.CharField(source="public_name", help_text="case and code: what exports and reports call the field")
    case = s.CharField(source="case.code", default=None, allow_null=True)
    slide = s.CharField(source="slide.code", default=None, allow_null=True)
    reading = s.IntegerField(source="current_reading_id", allow_null=True, help_text="the current one")
    state = s.CharField(source="current_reading.state", default=None, allow_null=True)
    exhaustive = s.BooleanField(source="current_reading.exhaustive", default=False)
    image = s.SerializerMethodField(help_text="address of the picture")

    class Meta:
        model = Field
        fields = [
            *("code", "name", "case", "slide", "split", "width", "height", "um_per_px", "um_source", "sha256"),
            *("image", "reading", "state", "exhaustive", "created_at"),
        ]
        read_only_fields = fields

    def get_image(self, field: Field) -> str:
        return pictures.picture_address(field)


class FieldFilter(s.Serializer[Any]):
    q = s.CharField(required=False, max_length=20, help_text="part of the code")
    split = s.ChoiceField(Split.choices, required=False)
    case = s.CharField(required=False, max_length=80, help_text="code of the case")
    labelled = s.ChoiceField([("true", "true"), ("false", "false")], required=False)
    state = s.ChoiceField(
        [(state, state) for state in (ReadingState.SUBMITTED.value, ReadingState.SIGNED_OFF.value)],
        required=False,
        help_text="of the current reading",
    )


class Fields(View):
    @listed("list_fields", FieldAnswer, FieldFilter)
    def get(self, request: Request, key: str) -> Response:
        """The fields of a project, in the order they came in."""
        project, asked = self.project(), self.asked(FieldFilter)
        names = {"q": "code__icontains", "split": "split", "case": "case__code", "state": "current_reading__state"}
        chosen = {names[name]: value for name, value in asked.items() if name in names}
        if "labelled" in asked:
            chosen["current_reading__isnull"] = asked["labelled"] == "false"
        rows = Field.objects.filter(project=project, **chosen)
        return self.paged(
            rows.select_related("project", "case", "slide", "current_reading").order_by("pk"), FieldAnswer
        )


class OneField(View):
    @extend_schema(operation_id="read_field", responses={200: FieldAnswer})
    def get(self, request: Request, key: str, code: str) -> Response:
        """One field; its picture is at `image`."""
        return Response(FieldAnswer(self.field()).data)


class FieldImage(View):
    @extend_schema(
        operation_id="read_image",
        parameters=[OpenApiParameter("small", bool, description="a thumbnail instead of the whole picture")],
        responses={(200, "image/*"): OpenApiTypes.BINARY, 304: None},
    )
    def get(self, request: Request, key: str, code: str) -> HttpResponseBase:
        """The picture of a field, byte for byte as it is stored, or small."""
        is_small = request.query_params.get("small", "").lower() in {"1", "true"}
        send = pictures.thumbnail if is_small else pictures.picture
        return send(request._request, key=key, code=code)


class OneReading(View):
    @extend_schema(operation_id="read_reading", responses={200: answers.ReadingAnswer})
    def get(self, request: Request, pk: int) -> Response:
        """A reading: whose it is and where it stands."""
        return Response(reading_json(self.reading(), self.actor))


class CurrentCell(s.Serializer[Cell]):
    def to_representation(self, instance: Cell) -> dict[str, Any]:
        return {"field": instance.reading.field.code, **cell_json(instance)}


CurrentCellAnswer = answers.made("CurrentCell", {"field": s.CharField(help_text="its code"), **answers.CELL})


class CellFilter(s.Serializer[Any]):
    split = s.ChoiceField(Split.choices, required=False)
    field = s.CharField(required=False, max_length=20, help_text="code of a field")


class Cells(View):
    @listed(
        "list_current_cells",
        CurrentCellAnswer,
        CellFilter,
        long=True,
        more=[OpenApiParameter("class", int, description="number of a class")],
    )
    def get(self, request: Request, key: str) -> Response:
        """The cells of all current readings: what trains, counts and is exported."""
        project, asked = self.project(), self.asked(CellFilter)
        number = self.asked(_ClassFilter).get("class")
        readings = Reading.objects.filter(field__project=project, field__current_reading=F("pk"))
        names = {"split": "field__split", "field": "field__code"}
        readings = readings.filter(**{names[name]: value for name, value in asked.items()})
        rows = Cell.objects.alive().filter(project=project, reading__in=readings)
        if number is not None:
            rows = rows.filter(cell_class__number=number)
        return self.long_paged(rows.select_related("cell_class", "author", "reading__field"), CurrentCell)


_ClassFilter = answers.made("ClassNumber", {"class": s.IntegerField(required=False, min_value=0, max_value=2**31 - 1)})
