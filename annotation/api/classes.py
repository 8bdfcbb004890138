"""The classes of a project: listed, made, changed, retired, restored."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission
from annotation.actions.classes import ClassChange, change_class, make_class, restore_class, retire_class
from annotation.api.answers import ClassAnswer, class_json
from annotation.api.base import View
from annotation.api.fields import WordsField
from annotation.api.pages import Pages, listed
from annotation.models import CellClass, ClassKind

LINES = [("solid", "solid"), ("dashed", "dashed"), ("dotted", "dotted")]


def _change(*, required: bool) -> dict[str, Any]:
    return {
        "name": s.CharField(max_length=120, required=required),
        "colour": s.RegexField(r"^#[0-9A-Fa-f]{6}$", required=required, help_text="#0072b2"),
        "aliases": WordsField(required=False),
        "line": s.ChoiceField(LINES, required=False),
        "hotkey": s.CharField(max_length=10, required=False, allow_blank=True),
        "guideline": s.CharField(max_length=20_000, required=False, allow_blank=True),
        "counted": s.BooleanField(required=False),
    }


ClassChangeBody = type("ClassChangeBody", (s.Serializer,), _change(required=False))
NewClassBody = type(
    "NewClassBody",
    (s.Serializer,),
    {
        **_change(required=True),
        "parent": s.IntegerField(
            required=False, allow_null=True, min_value=1, max_value=2**31 - 1, help_text="number of the class above"
        ),
        "kind": s.ChoiceField(ClassKind.choices, required=False),
    },
)


class ClassFilter(s.Serializer[Any]):
    retired = s.BooleanField(required=False, help_text="only those that are, or are not, offered any more")


class Classes(View):
    @listed("list_classes", ClassAnswer, ClassFilter)
    def get(self, request: Request, key: str) -> Response:
        """The classes, by their numbers."""
        rows = self.project().classes.select_related("parent").order_by("number")
        asked = self.asked(ClassFilter)
        if "retired" in asked and "retired" in request.query_params:
            rows = rows.filter(retired_at__isnull=not asked["retired"])
        pages = Pages()
        page = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([class_json(row) for row in page])

    @extend_schema(operation_id="make_class", request=NewClassBody, responses={201: ClassAnswer})
    def post(self, request: Request, key: str) -> Response:
        """A new class with the next number."""
        project = self.project(Permission.ADMINISTER)
        said = self.said(NewClassBody)
        number, kind = said.pop("parent", None), said.pop("kind", ClassKind.CELL)
        parent = None if number is None else get_object_or_404(CellClass, project=project, number=number)
        made = make_class(
            project=project, change=_read(said), parent=parent, kind=kind, actor=self.actor, client=self.client
        )
        return Response(class_json(made), status=201)


class OneClass(View):
    def row(self, permission: Permission = Permission.ADMINISTER) -> CellClass:
        rows = CellClass.objects.select_related("parent", "project")
        return get_object_or_404(rows, project=self.project(permission), number=self.kwargs["number"])

    @extend_schema(operation_id="read_class", responses={200: ClassAnswer})
    def get(self, request: Request, key: str, number: int) -> Response:
        """A class with its guideline."""
        return Response(class_json(self.row(Permission.VIEW)))

    @extend_schema(operation_id="change_class", request=ClassChangeBody, responses={200: ClassAnswer})
    def patch(self, request: Request, key: str, number: int) -> Response:
        """Change what is given; number, key, parent and kind stay."""
        row = self.row()
        now = {field.name: getattr(row, field.name) for field in fields(ClassChange)}
        changed = change_class(
            cell_class=row, change=_read(now | self.said(ClassChangeBody)), actor=self.actor, client=self.client
        )
        return Response(class_json(changed))


class ClassRetire(OneClass):
    http_method_names = ["post", "options"]

    @extend_schema(operation_id="retire_class", request=None, responses={200: ClassAnswer})
    def post(self, request: Request, key: str, number: int) -> Response:
        """Offer the class no more; cells that have it keep it."""
        row = self.row()
        retire_class(cell_class=row, actor=self.actor, client=self.client)
        row.refresh_from_db()
        return Response(class_json(row))


class ClassRestore(OneClass):
    http_method_names = ["post", "options"]

    @extend_schema(operation_id="restore_class", request=None, responses={200: ClassAnswer})
    def post(self, request: Request, key: str, number: int) -> Response:
        """Offer a retired class again."""
        row = self.row()
        restore_class(cell_class=row, actor=self.actor, client=self.client)
        row.refresh_from_db()
        return Response(class_json(row))


def _read(values: dict[str, Any]) -> ClassChange:
    return ClassChange(**(values | {"aliases": tuple(values.get("aliases", ()))}))
