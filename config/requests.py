"""Every request gets a name of its own, is timed and counted, and if wished is a line in the log."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config import logs, metrics

_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")
_log = logging.getLogger("marrowloop.requests")


class RequestMiddleware:
    """Stands first, so that what others refuse is seen, too. Answers carry the request's name as X-Request-ID."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        name = name_of(request)
        known = logs.about.set({"request": name})
        try:
            answer = self.get_response(request)
            self._told(request, answer, time.perf_counter() - began)
        finally:
            logs.about.reset(known)
        answer["X-Request-ID"] = name
        return answer

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, words: dict[str, Any]) -> None:
        told = {**(logs.about.get() or {}), "view": view_of(request)}
        logs.about.set(told | ({"project": words["key"]} if "key" in words else {}))

    def _told(self, request: HttpRequest, answer: HttpResponse, seconds: float) -> None:
        view, method = view_of(request), request.method or ""
        metrics.count_request(view, method, answer.status_code, seconds)
        if settings.LOG_REQUESTS:
            person = getattr(getattr(request, "user", None), "pk", None)
            told = {"view": view, "method": method, "status": answer.status_code, "ms": round(1000 * seconds, 1)}
            told |= {"person": person} if person is not None else {}
            match = request.resolver_match
            told |= {"project": match.kwargs["key"]} if match and "key" in match.kwargs else {}
            _log.info("%s %s %s", method, view, answer.status_code, extra={"told": told})


def name_of(request: HttpRequest) -> str:
    """The name that a proxy of ours gave, else a new one."""
    given = request.headers.get("X-Request-ID", "") if settings.PROXIES else ""
    return given if _GIVEN.fullmatch(given) else secrets.token_hex(8)


def view_of(request: HttpRequest) -> str:
    """The name of the address, never the address itself."""
    match = request.resolver_match
    return (match.url_name or "unnamed") if match else "none"


def client_address(request: HttpRequest) -> str:
    """Who asks. Of the addresses that proxies wrote down only those count that PROXIES of ours have written."""
    came = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if settings.PROXIES and came:
        return came[-min(settings.PROXIES, len(came))]
    return str(request.META.get("REMOTE_ADDR", ""))
