"""The command that says how fast a family looks: both sides of every family run, and are timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from models_zoo import speed
from models_zoo.yolo import environment


@pytest.mark.training
@pytest.mark.parametrize("family", sorted(speed.known()))
def test_both_sides_of_a_family_are_timed(family: str, tmp_path: Path) -> None:
    environment.prepare(tmp_path / "environment")
    spec = speed.known()[family]
    figures = speed.measure(spec, spec.tiny.variant, "cpu", 1, 2, 64)
    assert set(figures) == {"ours", "theirs"}
    assert min(figures.values()) > 0
