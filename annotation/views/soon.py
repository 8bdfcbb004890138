"""A place that is being built: Not Found until its page is there."""

from __future__ import annotations

from typing import Any, NoReturn

from django.http import Http404, HttpRequest


def soon(request: HttpRequest, **_: Any) -> NoReturn:
    raise Http404("This page is not built yet.")
