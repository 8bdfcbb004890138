"""Kinds of values that the API reads more strictly than its framework does."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers as s


class Number(s.FloatField):
    """A finite number, written as one: no word such as "nan", no yes or no."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
            self.fail("invalid")
        return float(data)


class WordsField(s.ListField):
    """A list of short texts."""

    def __init__(self, **more: Any) -> None:
        super().__init__(child=s.CharField(max_length=120), max_length=50, **more)
