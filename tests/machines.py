"""Two machines that share a store and nothing else, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.env import store_from
from tests.bucket import KEYS, Bucket, bucket


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        with bucket() as made:
            yield made


class Machines:
    """`on` changes the folder that the code takes for HOME."""

    def __init__(self, folder: Path, settings: Any) -> None:
        self.folder, self.settings = folder, settings
        self.on("web")

    def on(self, name: str) -> Path:
        home = self.folder / name
        home.mkdir(exist_ok=True)
        self.settings.HOME = home
        for variable, part in (("IMAGES_DIR", "images"), ("MODELS_DIR", "models"), ("RUNS_DIR", "runs")):
            setattr(self.settings, variable, home / part)
        self.settings.SNAPSHOTS_DIR, self.settings.TRANSFERS_DIR = home / "snapshots", home / "transfers"
        return home


@pytest.fixture
def machines(server: Bucket, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Machines:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    settings.STORE = store_from(server.url)
    server.raw.objects.delete()
    return Machines(tmp_path, settings)
