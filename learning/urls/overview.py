"""The address of a project's overview, which shows labels and the loop together."""

from django.urls import URLPattern, path

from annotation.views.soon import soon

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/", soon, name="overview"),
]
