"""Addresses of uploads, imports, exports and releases."""

from django.urls import URLPattern, path

from annotation.views.soon import soon

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/data/", soon, name="data"),
    path("projects/<slug:key>/data/upload/", soon, name="upload"),
    path("projects/<slug:key>/data/export/", soon, name="export"),
    path("projects/<slug:key>/data/releases/", soon, name="releases"),
]
