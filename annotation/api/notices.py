"""One's notices by the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import visible_receipts
from annotation.actions.notices import read_notices
from annotation.api.base import View
from annotation.api.pages import listed
from annotation.models import NoticeKind, Receipt


class NoticeAnswer(s.ModelSerializer[Receipt]):
    id = s.IntegerField(source="notice_id")
    project = s.CharField(source="notice.project.key", help_text="its key")
    kind = s.ChoiceField(NoticeKind.choices, source="notice.kind")
    text = s.CharField(source="notice.text")
    path = s.CharField(source="notice.path", help_text="the page that shows it")
    created_at = s.DateTimeField(source="notice.created_at")

    class Meta:
        model = Receipt
        fields = ["id", "project", "kind", "text", "path", "created_at", "read_at"]
        read_only_fields = fields


class NoticeFilter(s.Serializer[Any]):
    unread = s.BooleanField(required=False, help_text="true: only those not read yet")


class ReadBody(s.Serializer[Any]):
    notices = s.ListField(
        child=s.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=1000,
        help_text="their numbers; left out: all",
    )


class ReadAnswer(s.Serializer[Any]):
    read = s.IntegerField(help_text="how many were unread until now")
    unread = s.IntegerField(help_text="how many still are")


class Notices(View):
    @listed("list_notices", NoticeAnswer, NoticeFilter)
    def get(self, request: Request) -> Response:
        """What you were told of your projects, the newest first."""
        rows = visible_receipts(request.user).select_related("notice__project").order_by("-notice_id")
        if self.asked(NoticeFilter).get("unread"):
            rows = rows.filter(read_at=None)
        return self.paged(rows, NoticeAnswer)


class NoticesRead(View):
    labelling = True

    @extend_schema(operation_id="read_notices", request=ReadBody, responses={200: ReadAnswer})
    def post(self, request: Request) -> Response:
        """Mark notices as read, for yourself alone."""
        read = read_notices(actor=self.actor, notices=self.said(ReadBody).get("notices"))
        unread = visible_receipts(request.user).filter(read_at=None).count()
        return Response({"read": read, "unread": unread})
