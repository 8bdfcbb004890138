"""The addresses of the API that belong to annotation, all under /api/."""

from django.urls import URLPattern, URLResolver

import annotation.api.schema  # noqa: F401  # the schema learns of tokens

urlpatterns: list[URLPattern | URLResolver] = []
