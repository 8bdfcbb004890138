"""Numbers and text as data sets write them, taken with care."""

from __future__ import annotations

import codecs
import contextlib
import math
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PLAIN = re.compile(r"[-+.eE0-9\s]+")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")


def decode(data: bytes) -> str:
    """Text of a label file: by its byte order mark, by its XML declaration, as UTF-8, else as Windows wrote it.

    Raises ValueError when it is no text at all.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding)
    if b"\x00" in data:
        raise ValueError("is not a text file")
    declared = _DECLARED.match(data)
    named = declared.group(1).decode().lower() if declared else "utf-8"
    if named.startswith(("utf-16", "utf-32")):  # it could not have been read this far if that were true
        named = "utf-8"
    for encoding in (named, "utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def number(value: object, what: str) -> float:
    """A finite number from text or JSON. Raises ValueError that names `what` and the value."""
    if type(value) is float and math.isfinite(value):  # nearly all of them
        return value
    if value is None:
        raise ValueError(f"{what} is missing")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{what} is not a number: {_short(value)}")  # noqa: TRY004 (readers catch one kind)
    if isinstance(value, str):
        value = _from_text(value.strip(), what)
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ValueError(f"{what} is not a finite number: {_short(value)}")
    return result


def plain_numbers(values: list[object]) -> tuple[float, ...] | None:
    """A list that is all finite numbers already, which nearly all are; None where each must be looked at."""
    if not set(map(type, values)) <= {int, float}:
        return None
    try:
        found = tuple(map(float, values))  # type: ignore[arg-type]  # int and float alone are left
    except OverflowError:
        return None
    return found if all(map(math.isfinite, found)) else None


def numbers(text: str, what: str) -> tuple[float, ...]:
    """Finite numbers with blanks between. Raises ValueError that names `what` and the first that is none."""
    if _PLAIN.fullmatch(text):
        with contextlib.suppress(ValueError):
            values = tuple(map(float, text.split()))
            if all(map(math.isfinite, values)):
                return values
    return tuple(number(word, what) for word in text.split())


def _from_text(text: str, what: str) -> float:
    if not text:
        raise ValueError(f"{what} is missing")
    if _NUMBER.fullmatch(text):
        return float(text)
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise ValueError(f"{what} is not a finite number: {text}")
    raise ValueError(f"{what} is not a number: {_short(text)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
