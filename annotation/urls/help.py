"""Addresses of the help."""

from django.urls import URLPattern, path

from annotation.views.soon import soon

urlpatterns: list[URLPattern] = [
    path("help/", soon, name="help"),
    path("help/<path:page>/", soon, name="help_page"),
]
