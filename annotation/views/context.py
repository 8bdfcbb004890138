"""What every page is told: the source link, the theme the person chose, how many notices are unread."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from annotation.access import visible_receipts

THEMES = ("auto", "light", "dark")


def site(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("theme", "auto")
    return {
        "source_url": settings.SOURCE_URL or reverse("source"),
        "theme": theme if theme in THEMES else "auto",
        "themes": THEMES,
        "unread": lambda: visible_receipts(request.user).filter(read_at=None).count(),  # asked where it is shown
    }
