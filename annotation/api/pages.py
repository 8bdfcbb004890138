"""Lists of the API come in pages of one shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination, PageNumberPagination
from rest_framework.request import Request

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Pages(PageNumberPagination):
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000


class LongPages(CursorPagination):
    """For what may be half a million rows: nobody counts them, each page says where the next one is."""

    page_size = 500
    page_size_query_param = "page_size"
    max_page_size = 2000
    ordering = "pk"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises NotFound for one that this server has not made."""
        cursor = super().decode_cursor(request)
        if (
            cursor is not None
            and cursor.position is not None
            and not re.fullmatch(r"[0-9]{1,19}", str(cursor.position))
        ):
            raise NotFound(self.invalid_cursor_message)
        return cursor


_PAGES = (OpenApiParameter("page", int), OpenApiParameter("page_size", int, description="at most 1000"))
_LONG = (OpenApiParameter("cursor", str), OpenApiParameter("page_size", int, description="at most 2000"))


def page_of(serializer: type[s.Serializer[Any]], *, long: bool = False) -> type[s.Serializer[Any]]:
    """How a page of such rows looks."""
    name = serializer.__name__.removesuffix("Answer") + "Page"
    fields: dict[str, Any] = {
        "next": s.CharField(allow_null=True, help_text="address of the next page"),
        "previous": s.CharField(allow_null=True),
        "results": s.ListField(child=serializer()),
    }
    return type(name, (s.Serializer,), fields if long else {"count": s.IntegerField(), **fields})


def listed(
    operation_id: str,
    serializer: type[s.Serializer[Any]],
    *filters: Any,
    long: bool = False,
    more: Sequence[OpenApiParameter] = (),
) -> Callable[[Handler], Handler]:
    """What the schema says of a list; `filters` are serializers of its query."""
    return extend_schema(
        operation_id=operation_id,
        parameters=[*filters, *more, *(_LONG if long else _PAGES)],
        responses={200: page_of(serializer, long=long)},
    )
