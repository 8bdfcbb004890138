"""What every page is told: the source link, the theme the person chose."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

THEMES = ("auto", "light", "dark")


def site(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("theme", "auto")
    return {
        "source_url": settings.SOURCE_URL or reverse("source"),
        "theme": theme if theme in THEMES else "auto",
        "themes": THEMES,
    }
