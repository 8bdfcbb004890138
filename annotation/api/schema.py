"""What the schema of the API says of tokens, and of the answers that every address may give."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from annotation.api.answers import Message


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its library is untyped
    target_class = "annotation.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


_WORDS = {
    400: "The request cannot be read.",
    401: "Nobody is signed in, or the token is unknown, has ended or was withdrawn.",
    403: "Your role, or the scope of the token, does not allow it.",
    404: "It is not there, or not yours to see.",
    405: "There is no such method here.",
    415: "The body is no JSON.",
    422: "It cannot be done; the message says why and what to do.",
    429: "Too many requests: wait a moment.",
}


class Schema(AutoSchema):
    """Every address also answers what went wrong, always in the same shape."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        writes = self.method not in {"GET", "HEAD"}
        for status, words in _WORDS.items():
            if str(status) not in bodies and (writes or status not in {415, 422}):
                answer = OpenApiResponse(Message, words)
                body = self._get_response_for_code(answer, str(status), direction=direction)  # type: ignore[no-untyped-call]
                bodies[str(status)] = body
        return dict(sorted(bodies.items()))
