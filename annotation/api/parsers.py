"""Reads the JSON of requests, and refuses what no database and no browser could keep."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

_HALVES = re.compile("[\ud800-\udfff]")
DEEPEST = 40


class PlainJSONParser(BaseParser):
    """JSON of finite numbers and whole letters. Raises ParseError, in words, for all else."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise ParseError(f"A request has at most {most} bytes: send it in several.")
        try:
            data = json.loads(raw.decode(), parse_constant=_constant, parse_float=_finite, parse_int=_integer)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise ParseError(f"This is no JSON that can be read: {reason}") from error
        _check(data, DEEPEST)
        return data


def _constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _integer(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (value := int(text)) < 2**63:
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _check(data: Any, deep: int) -> None:
    if not deep:
        raise ParseError(f"This is nested more than {DEEPEST} deep.")
    if isinstance(data, str):
        # NUL, which PostgreSQL refuses, and halves of letters, which no file can hold.
        if "\x00" in data or _HALVES.search(data):
            raise ParseError("A text holds a letter that cannot be kept: take it out.")
    elif isinstance(data, dict):
        for pair in data.items():
            for value in pair:
                _check(value, deep - 1)
    elif isinstance(data, list):
        for value in data:
            if isinstance(value, str | dict | list):
                _check(value, deep - 1)
