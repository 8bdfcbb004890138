"""Addresses of the workbench and of the pictures of fields."""

from django.urls import URLPattern, path

from annotation.views.soon import soon

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/fields/<str:code>/", soon, name="workbench"),
    path("projects/<slug:key>/fields/<str:code>/picture/", soon, name="picture"),
    path("projects/<slug:key>/fields/<str:code>/thumbnail/", soon, name="thumbnail"),
    path("projects/<slug:key>/next/", soon, name="next_field"),
]
