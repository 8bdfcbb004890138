"""What holds for every page: refusals in words, and no sign-in page inside a fragment."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from annotation.errors import Refused


class SignedOutMiddleware:
    """A fragment that htmx asks for, from somebody signed out by now: 401, and no sign-in page swapped in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        to_sign_in = answer.status_code == 302 and answer["Location"].startswith(reverse(settings.LOGIN_URL))
        return HttpResponse(status=401) if to_sign_in and request.headers.get("HX-Request") else answer


class RefusedMiddleware:
    """Pages show a Refused beside the form that caused it; here lands what none of them expected. Status 422."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        return render(request, "annotation/refused.html", {"message": str(exception)}, status=422)
