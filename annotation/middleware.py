"""What holds for every page: refusals in words, no sign-in page inside a fragment, no letter that cannot be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from annotation.errors import Refused
from annotation.store import STORE_IS_AWAY, StoreError


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
        if isinstance(exception, StoreError):
            return render(request, "annotation/refused.html", {"message": STORE_IS_AWAY}, status=503)
        if not isinstance(exception, Refused):
            return None
        return render(request, "annotation/refused.html", {"message": str(exception)}, status=422)


class NulMiddleware:
    """The letter NUL, which PostgreSQL neither keeps nor looks for: no address has it (404), no form brings it (400).

    The API reads its own bodies, so they are left to its parser.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, words: Mapping[str, Any]) -> None:
        asked = chain.from_iterable(values for _, values in request.GET.lists())
        if any("\x00" in str(word) for word in chain(words.values(), asked)):
            raise Http404("There is nothing at this address.")
        if request.method == "POST" and not getattr(view, "csrf_exempt", False):
            said = chain.from_iterable((name, *values) for name, values in request.POST.lists())
            if any("\x00" in word for word in said):
                raise BadRequest("A text holds a letter that cannot be kept.")
