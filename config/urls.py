"""Every address of the product."""

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from annotation.views import site


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answers whenever the web process can answer at all; asks nothing of the database."""
    return JsonResponse({"ok": True})


handler400 = "annotation.views.errors.bad_request"
handler403 = "annotation.views.errors.forbidden"
handler404 = "annotation.views.errors.not_found"
handler500 = "annotation.views.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("theme/", site.theme, name="theme"),
    path("source/", site.source, name="source"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(), name="api_docs"),
    path("api/", include("annotation.api.urls")),
    path("api/", include("learning.api.urls")),
    path("", include("annotation.urls.people")),
    path("", include("annotation.urls.help")),
    path("", include("annotation.urls.projects")),
    path("", include("learning.urls.overview")),
    path("", include("annotation.urls.transfers")),
    path("", include("learning.urls.rounds")),
    path("", include("learning.urls.models")),
    path("", include("annotation.urls.workbench")),
]
