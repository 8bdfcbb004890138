"""What must stand before ultralytics is imported: no network, no telemetry, nothing written into the user's home.

ultralytics reads most of this once, while it is being imported; therefore `prepare` comes first and the first
call of a process wins. Every module of this family imports ultralytics inside its functions for that reason.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_SETTINGS_VERSION = "0.0.8"
_INTEGRATIONS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb", "vscode_msg", "openvino_msg")


def prepare(home: Path) -> None:
    """Point every file that ultralytics and matplotlib keep for themselves into `home`, and forbid downloads.

    A YOLO_CONFIG_DIR or MPLCONFIGDIR that is set already is kept, so that many trainings can share one folder.
    Where ultralytics has been imported before without this, its settings in memory are changed instead: usage
    events and integrations are off, but what its import wrote is not undone.
    """
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    # Threads that wait sleep soon instead of spinning: beside another busy process a training on all cores was
    # ten times slower with the default of libgomp. It is read when torch is imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    config = Path(os.environ.setdefault("YOLO_CONFIG_DIR", str(home.resolve())))
    os.environ.setdefault("MPLCONFIGDIR", str(config / "matplotlib"))
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(config / "torchinductor"))
    if "ultralytics" in sys.modules:
        _quiet_what_is_loaded()
    else:
        _write_settings(config / "Ultralytics")
    _give_pillow_back()


def _give_pillow_back() -> None:
    """ultralytics puts its own function in place of Image.open, and that one answers a file that is no image by
    asking for a package that is not there. Everybody else in the process is told the truth by Pillow's.
    """
    from PIL import Image
    from ultralytics.utils import patches

    if Image.open is patches.image_open:
        Image.open = patches._image_open


def _choices(folder: Path) -> dict[str, str | bool]:
    return {
        "settings_version": _SETTINGS_VERSION,
        "datasets_dir": str(folder / "datasets"),
        "weights_dir": str(folder / "weights"),
        "runs_dir": str(folder / "runs"),
        "uuid": "",
        "sync": False,
        "api_key": "",
        "openai_api_key": "",
        **dict.fromkeys(_INTEGRATIONS, False),
    }


def _write_settings(folder: Path) -> None:
    """Our settings file, unless one of ours is there: two processes that start together write the same bytes."""
    wanted = json.dumps(_choices(folder), indent=2)
    file = folder / "settings.json"
    if file.exists() and file.read_text(encoding="utf-8") == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"settings.{os.getpid()}.part")
    part.write_text(wanted, encoding="utf-8")
    part.replace(file)


def _quiet_what_is_loaded() -> None:
    from ultralytics.utils import SETTINGS
    from ultralytics.utils.events import events

    events.enabled = False
    # dict.update changes memory alone; the method of SETTINGS itself would rewrite the user's own file.
    dict.update(SETTINGS, {"sync": False, **dict.fromkeys(_INTEGRATIONS, False)})


@contextlib.contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Everything ultralytics prints, logs or warns of goes to the end of `log` while the block runs.

    Standard output stays clean: our commands print their one JSON object there.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a", encoding="utf-8") as file,
        contextlib.redirect_stdout(_Plain(file)) as stream,
        _warnings_to(file),
    ):
        from ultralytics.utils import LOGGER

        handlers = [handler for handler in LOGGER.handlers if isinstance(handler, logging.StreamHandler)]
        before = [handler.setStream(stream) for handler in handlers]
        try:
            yield
        finally:
            for handler, old in zip(handlers, before, strict=True):
                # Where ultralytics was first imported in here, `old` is None: its handler holds this very stream.
                handler.setStream(old or sys.stderr)


@contextlib.contextmanager
def _warnings_to(stream: TextIO) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("default")

        def write(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or stream)

        # The warnings of libraries are read in the log; they are no concern of whoever called us.
        warnings.showwarning = write
        yield


class _Plain(io.TextIOBase):
    """A text file without the colours and cursor moves that ultralytics writes for terminals."""

    _ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        self._file.write(self._ESCAPES.sub("", text).replace("\r", "\n"))
        return len(text)

    def flush(self) -> None:
        self._file.flush()
