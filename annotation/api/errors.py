"""Errors of the API, all of one shape: {"message": what is wrong and what to do, "faults": {field: [...]}}."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from annotation.errors import Refused
from annotation.store import STORE_IS_AWAY, StoreError


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """422 for what an action refuses, 400 for what cannot be read, 401, 403 and 404 as everywhere."""
    if isinstance(error, Refused):
        return Response({"message": str(error)}, status=422)
    if isinstance(error, StoreError):
        return Response({"message": STORE_IS_AWAY}, status=503)
    if isinstance(error, PermissionDenied):
        return Response({"message": str(error) or "You may not do this."}, status=403)
    if isinstance(error, Http404):
        return Response({"message": str(error) or "There is nothing at this address."}, status=404)
    answer = exception_handler(error, context)
    if answer is None:
        return None
    if isinstance(error, exceptions.Throttled):
        answer.data = {"message": f"Too many requests: wait {answer.headers.get('Retry-After', 'some')} seconds."}
    elif isinstance(error, exceptions.ValidationError):
        faults = error.detail if isinstance(error.detail, dict) else {"all": error.detail}
        answer.data = {"message": "Some values cannot be: see faults.", "faults": faults}
    elif isinstance(error, exceptions.APIException):
        answer.data = {"message": str(error.detail)}
    return answer
