"""What a model costs: how many parameters its files hold, and how long it looks at a field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import models_zoo


def cost_of(files: Path, device: str, seconds_a_field: float | None) -> dict[str, Any]:
    """For the model's card: `parameters`, and under `cpu` or `gpu` the seconds a field, where they were measured."""
    seconds = {} if seconds_a_field is None else {"cpu" if device == "cpu" else "gpu": seconds_a_field}
    return {"parameters": models_zoo.parameters(files)} | seconds
