"""What the views of the API start from: who asks, in which project, and by what."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.forms import Form
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.access import Permission, find_project, find_reading, person
from annotation.api.pages import LongPages, Pages
from annotation.models import Field, Project, Reading


class View(APIView):
    """`labelling = True`: a token of scope "label" may write here."""

    labelling = False
    request: Request

    @property
    def actor(self) -> User:
        return person(self.request.user)

    @property
    def client(self) -> str:
        """What events call the caller: a page of ours, or a program with a token."""
        return "page" if self.request.auth is None else "api"

    def project(self, permission: Permission = Permission.VIEW) -> Project:
        return find_project(self.request.user, self.kwargs["key"], permission)

    def field(self, permission: Permission = Permission.VIEW) -> Field:
        rows = Field.objects.select_related("project", "case", "slide")
        return get_object_or_404(rows, project=self.project(permission), code=self.kwargs["code"])

    def reading(self, permission: Permission = Permission.VIEW) -> Reading:
        return find_reading(self.request.user, self.kwargs["pk"], permission)

    def said(self, serializer: type[serializers.Serializer[Any]], **more: Any) -> dict[str, Any]:
        """The body of the request as `serializer` reads it. Raises ValidationError."""
        form = serializer(data=self.object(), **more)
        form.is_valid(raise_exception=True)
        values: dict[str, Any] = form.validated_data
        return values

    def asked(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The query of the address as `serializer` reads it. Raises ValidationError."""
        form = serializer(data=self.request.query_params.dict())
        form.is_valid(raise_exception=True)
        values: dict[str, Any] = form.validated_data
        return values

    def object(self) -> dict[str, Any]:
        """The body of the request, which must be an object. Raises ValidationError."""
        if not isinstance(self.request.data, dict):
            raise ValidationError({"all": ["Send a JSON object."]})
        return self.request.data

    def checked(self, form: Form) -> dict[str, Any]:
        """What a form of the pages makes of the request. Raises ValidationError."""
        if not form.is_valid():
            raise ValidationError({name: [str(fault) for fault in faults] for name, faults in form.errors.items()})
        return form.cleaned_data

    def paged(self, rows: QuerySet[Any], serializer: type[serializers.Serializer[Any]], **context: Any) -> Response:
        """One page of `rows`, which must be in an order."""
        return self._paged(Pages(), rows, serializer, **context)

    def long_paged(
        self, rows: QuerySet[Any], serializer: type[serializers.Serializer[Any]], **context: Any
    ) -> Response:
        """One page of very many `rows`, which are not counted."""
        return self._paged(LongPages(), rows, serializer, **context)

    def _paged(
        self,
        pages: Pages | LongPages,
        rows: QuerySet[Any],
        serializer: type[serializers.Serializer[Any]],
        **context: Any,
    ) -> Response:
        page = pages.paginate_queryset(rows, self.request, view=self)
        shown = serializer(page, many=True, context={"request": self.request, **context})
        return pages.get_paginated_response(shown.data)
