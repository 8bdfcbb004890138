"""The addresses of the API that belong to learning, all under /api/."""

from django.urls import URLPattern, URLResolver, path

from learning.api import runs, workbench

_FIELD = "projects/<slug:key>/fields/<str:code>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_FIELD}workbench/", workbench.Workbench.as_view(), name="api_workbench"),
    path(f"{_FIELD}predict/", workbench.FieldPredict.as_view(), name="api_predict"),
    path(f"{_FIELD}predictions/", workbench.FieldPredictions.as_view(), name="api_predictions"),
    path("runs/<int:pk>/", runs.OneRun.as_view(), name="api_run"),
]
