"""Addresses of the help."""

from django.urls import URLPattern, path

from annotation.views import help  # noqa: A004  # the word people look for

urlpatterns: list[URLPattern] = [
    path("help/", help.index, name="help"),
    path("help/images/<slug:name>/", help.image, name="help_image"),
    path("help/<path:page>/", help.page, name="help_page"),
]
