"""Who calls the API: a person's session, or a token that ends and reaches no further than its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from annotation.keys import hashed
from annotation.models import Scope, Token

if TYPE_CHECKING:  # rest_framework.views loads this file by its settings
    from rest_framework.views import APIView

SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer SECRET`. Raises AuthenticationFailed for a token that is unknown, ended or withdrawn."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != SCHEME.lower().encode():
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Write the header as: Authorization: Bearer YOUR-TOKEN")
        token = self._find(words[1])
        if token is None:
            raise AuthenticationFailed("This token is unknown, has ended or was withdrawn: make a new one.")
        Token.objects.filter(pk=token.pk).update(used_at=timezone.now())
        return token.user, token

    def _find(self, secret: bytes) -> Token | None:
        known = Token.objects.select_related("user").filter(
            secret_sha256=hashed(secret.decode("latin-1")), withdrawn_at=None, ends_at__gt=timezone.now()
        )
        token = known.first()
        return token if token is not None and token.user.is_active else None

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class SignedInWithinScope(BasePermission):
    """Signed in; and by a token only within its scope. What the person may do, the actions ask."""

    message = "This token may only read: make one with a wider scope."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        token = request.auth
        if not isinstance(token, Token) or request.method in SAFE_METHODS or token.scope == Scope.EVERYTHING:
            return True
        return token.scope == Scope.LABEL and bool(getattr(view, "labelling", False))
