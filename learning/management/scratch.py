"""A folder for what a command needs only while it runs, under MARROWLOOP_HOME like everything else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings as config


@contextmanager
def scratch_folder() -> Iterator[Path]:
    config.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=config.SCRATCH_DIR) as folder:
        yield Path(folder)
