"""The pages behind 400, 403, 404 and 500, and a form that came without its token."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400, "This request cannot be read", "Go back, reload the page and try again.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = str(exception) or "Your role does not reach this page: ask one of the project's administrators."
    return _page(request, 403, "Not yours to do", said)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404, "Not found", "There is nothing at this address, or you are not one of its people.")


def server_error(request: HttpRequest) -> HttpResponse:
    said = "Nothing of what was saved is lost. Reload the page; if it happens again, tell the administrator the time."
    return _page(request, 500, "Something broke on our side", said)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    said = "The page was open too long, or in another sign-in. Reload it, then send the form again."
    return _page(request, 403, "The form was too old", said)


def _page(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    """Programs are answered in their own way, as by annotation.api.errors."""
    if request.path.startswith("/api/"):
        return JsonResponse({"message": f"{title}. {message}"}, status=status)
    return render(request, "annotation/error.html", {"title": title, "message": message}, status=status)
