"""Addresses of what shows labels and the loop together: all projects, one project, its round defaults."""

from django.urls import URLPattern, path

from learning.views import erasing, overview, projects, round_defaults, storage

urlpatterns: list[URLPattern] = [
    path("", projects.projects, name="projects"),
    path("projects/<slug:key>/", overview.overview, name="overview"),
    path("projects/<slug:key>/settings/rounds/", round_defaults.round_defaults, name="round_defaults"),
    path("projects/<slug:key>/settings/start/", round_defaults.round_start, name="round_start"),
    path("projects/<slug:key>/settings/storage/", storage.storage, name="storage"),
    path("projects/<slug:key>/cases/<int:pk>/erase/", erasing.erase_case, name="erase_case"),
    path("projects/<slug:key>/cases/erased/", erasing.erasures, name="erasures"),
]
