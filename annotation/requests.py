"""The request as views see it: typed for htmx, and always from a signed-in person."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class PageRequest(HttpRequest):
    """What a view behind `login_required` is handed. `request.htmx` is true where only a fragment is wanted."""

    htmx: HtmxDetails
    user: User
