"""Folders of their own for tests of the loop: the numbers of runs repeat from test to test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

import models_zoo

if TYPE_CHECKING:
    from tests.learning.zoo import FakeZoo

FOLDERS = ("IMAGES_DIR", "SNAPSHOTS_DIR", "RUNS_DIR", "MODELS_DIR", "SCRATCH_DIR", "WEIGHTS_DIR")


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    """A data folder of this test alone."""
    for name in FOLDERS:
        folder = tmp_path / name.removesuffix("_DIR").lower()
        folder.mkdir()
        setattr(settings, name, folder)
    return tmp_path


@pytest.fixture
def zoo(home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeZoo:
    """The front of the model zoo is a stand-in: see zoo.py."""
    from tests.learning.zoo import FakeZoo  # this file is read before Django is set up

    fake = FakeZoo()
    settings.STARTER_WEIGHTS_DIR = home / "starter"  # the stand-in has no use for real weights
    monkeypatch.setattr(models_zoo, "call", fake)
    return fake
