"""What became of a field and of each cell on it, by the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.answers import name_of
from annotation.api.base import View
from annotation.api.pages import listed
from annotation.histories import events_of
from annotation.models import Event


class EventAnswer(s.ModelSerializer[Event]):
    cell = s.UUIDField(source="cell.uuid", default=None, allow_null=True, help_text="null: of the reading as a whole")
    actor = s.SerializerMethodField(help_text="null: the operator")
    before = s.JSONField(allow_null=True, help_text="what it was: class, shape, attributes, version")
    after = s.JSONField(allow_null=True)

    class Meta:
        model = Event
        fields = ["id", "at", "actor", "verb", "reading", "cell", "before", "after", "client"]
        read_only_fields = fields

    def get_actor(self, event: Event) -> str | None:
        return name_of(event.actor)


class EventFilter(s.Serializer[Any]):
    cell = s.UUIDField(required=False, help_text="of this cell alone")


class FieldEvents(View):
    @listed("list_events", EventAnswer, EventFilter, long=True)
    def get(self, request: Request, key: str, code: str) -> Response:
        """The record of a field, oldest first, as far as you may see its readings. Nothing in it ever changes."""
        rows = events_of(self.field(), self.actor, self.asked(EventFilter).get("cell"))
        return self.long_paged(rows.order_by("pk"), EventAnswer)
