"""The addresses of the API that belong to annotation, all under /api/."""

from django.urls import URLPattern, URLResolver, path

import annotation.api.schema  # noqa: F401  # the schema learns of tokens
from annotation.api import readings

_FIELD = "projects/<slug:key>/fields/<str:code>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_FIELD}readings/", readings.FieldReadings.as_view(), name="api_readings"),
    path("readings/<int:pk>/cells/", readings.ReadingCells.as_view(), name="api_cells"),
    path("readings/<int:pk>/cells/<uuid:uuid>/", readings.ReadingCell.as_view(), name="api_cell"),
    path("readings/<int:pk>/changes/", readings.ReadingChanges.as_view(), name="api_changes"),
    path("readings/<int:pk>/submit/", readings.ReadingSubmit.as_view(), name="api_submit"),
    path("readings/<int:pk>/reopen/", readings.ReadingReopen.as_view(), name="api_reopen"),
    path("readings/<int:pk>/heartbeat/", readings.ReadingHeartbeat.as_view(), name="api_heartbeat"),
    path("readings/<int:pk>/sign-off/", readings.ReadingSignOff.as_view(), name="api_sign_off"),
    path("readings/<int:pk>/take-back/", readings.ReadingTakeBack.as_view(), name="api_take_back"),
]
