"""Every address of the product."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from annotation.views import site
from config import health, metrics

handler400 = "annotation.views.errors.bad_request"
handler403 = "annotation.views.errors.forbidden"
handler404 = "annotation.views.errors.not_found"
handler500 = "annotation.views.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("healthz/ready", health.ready, name="ready"),
    path("metrics", metrics.page, name="metrics"),
    path("theme/", site.theme, name="theme"),
    path("source/", site.source, name="source"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(), name="api_docs"),
    path("api/", include("annotation.api.urls")),
    path("api/", include("learning.api.urls")),
    path("", include("annotation.urls.people")),
    path("", include("annotation.urls.notices")),
    path("", include("annotation.urls.help")),
    path("", include("annotation.urls.projects")),
    path("", include("learning.urls.overview")),
    path("", include("annotation.urls.transfers")),
    path("", include("learning.urls.rounds")),
    path("", include("learning.urls.models")),
    path("", include("annotation.urls.workbench")),
]
