"""A step ends with a function that publishes what it made; it is called inside the transaction that ends the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Publish = Callable[[], dict[str, Any]]
