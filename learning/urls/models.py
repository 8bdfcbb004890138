"""Addresses of models, their comparison and their errors."""

from django.urls import URLPattern, path

from annotation.views.soon import soon

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/models/", soon, name="models"),
    path("projects/<slug:key>/models/compare/", soon, name="compare"),
    path("projects/<slug:key>/models/<str:label>/", soon, name="model"),
    path("projects/<slug:key>/models/<str:label>/errors/", soon, name="errors"),
]
