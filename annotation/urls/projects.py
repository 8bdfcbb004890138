"""Addresses of projects, their queue, cases and settings."""

from django.urls import URLPattern, path

from annotation.views.soon import soon

urlpatterns: list[URLPattern] = [
    path("", soon, name="projects"),
    path("projects/new/", soon, name="new_project"),
    path("projects/<slug:key>/queue/", soon, name="queue"),
    path("projects/<slug:key>/cases/", soon, name="cases"),
    path("projects/<slug:key>/cases/<int:pk>/", soon, name="case"),
    path("projects/<slug:key>/settings/", soon, name="project_settings"),
    path("projects/<slug:key>/ontology/", soon, name="ontology"),
]
