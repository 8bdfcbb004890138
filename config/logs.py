"""What the product writes to its logs: lines for people, or JSON lines for programs, with the request they belong to.

JSON lines name people and projects by number and key, and pages by the name of their address. The address itself, names
of files and what an error says are left out: they may hold an invitation, or the name of a patient.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# What is known of the request under way: request, person, project, view.
about: ContextVar[Mapping[str, Any] | None] = ContextVar("about", default=None)
# Django's own loggers put the address into their message; ours do not.
_WITH_ADDRESS = ("django.request", "django.security", "django.server", "axes", "gunicorn")


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and what is known of the request."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._message(record),
        }
        told |= about.get() or {}
        told |= getattr(record, "told", {})
        if record.exc_info and record.exc_info[0] is not None:
            told |= {"error": record.exc_info[0].__name__, "where": where(record.exc_info[2])}
        return json.dumps(told, default=str)

    def _message(self, record: logging.LogRecord) -> str:
        if record.name.startswith(_WITH_ADDRESS):
            status = getattr(record, "status_code", None)
            return f"answered {status}" if status else "see level and logger"
        return record.getMessage()


def where(trace: Any) -> list[str]:
    """The lines of our own code that an error came through, the innermost last, without what it says."""
    frames = [frame for frame in traceback.extract_tb(trace) if Path(frame.filename).is_relative_to(ROOT)]
    own = [frame for frame in frames if ".venv" not in frame.filename]
    return [f"{Path(frame.filename).relative_to(ROOT)}:{frame.lineno} {frame.name}" for frame in own[-5:]]
