"""manage.py password_link"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management import CommandParser
from django.urls import reverse

from annotation.actions.people import password_link_words
from annotation.errors import Refused
from annotation.management.base import JsonCommand


class Command(JsonCommand):
    help = "Print the link by which a person sets a new password: it works once, within three days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="The person's sign-in name.")

    def handle(self, **options: Any) -> None:
        user = User.objects.filter(username=options["name"], is_active=True).first()
        if user is None:
            raise Refused(f"Nobody signs in as {options['name']!r}: the page People lists the names.")
        who, secret = password_link_words(user=user, actor=None)
        self.answer({"person": user.username, "link": reverse("set_password", args=[who, secret])})
