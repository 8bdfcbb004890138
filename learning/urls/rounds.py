"""Addresses of rounds."""

from django.urls import URLPattern, path

from annotation.views.soon import soon

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/rounds/", soon, name="rounds"),
    path("projects/<slug:key>/rounds/new/", soon, name="new_round"),
    path("projects/<slug:key>/rounds/<int:number>/", soon, name="round"),
]
