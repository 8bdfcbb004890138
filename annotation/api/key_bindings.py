"""A person's own keys of the workbench, the same in all projects."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.actions.key_bindings import LONGEST, MOST_KEYS, change_key_bindings, key_bindings_of
from annotation.api.base import View


class KeysBody(s.Serializer[Any]):
    bindings = s.DictField(
        child=s.ListField(child=s.CharField(max_length=LONGEST), max_length=MOST_KEYS),
        help_text="by a command's name, the keys it has instead of its own",
    )


class Keys(View):
    labelling = True

    @extend_schema(operation_id="read_keys", responses={200: KeysBody})
    def get(self, request: Request) -> Response:
        """The keys that you have changed."""
        return Response({"bindings": key_bindings_of(self.actor)})

    @extend_schema(operation_id="change_keys", request=KeysBody, responses={200: KeysBody})
    def put(self, request: Request) -> Response:
        """Keep these as all that you have changed. None of them: the keys are as they come."""
        kept = change_key_bindings(actor=self.actor, bindings=self.said(KeysBody)["bindings"])
        return Response({"bindings": kept.bindings})
