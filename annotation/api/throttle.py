"""How often a program may ask: so that one that runs in a circle leaves the server to the people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from annotation.models import Token

if TYPE_CHECKING:  # rest_framework.views loads this file by its settings
    from rest_framework.views import APIView


class TokenRate(SimpleRateThrottle):
    """All tokens of a person together have API_RATE requests a minute; pages in a browser are not counted."""

    def get_rate(self) -> str | None:
        return f"{settings.API_RATE}/min" if settings.API_RATE > 0 else None

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return f"api-rate:{request.auth.user_id}" if isinstance(request.auth, Token) else None
