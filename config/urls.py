"""Every address of the product."""

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answers whenever the web process can answer at all; asks nothing of the database."""
    return JsonResponse({"ok": True})


urlpatterns: list[URLPattern] = [path("healthz", healthz, name="healthz")]
