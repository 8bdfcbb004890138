"""What belongs to no project: the theme, and the source of what runs here."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from annotation.views.context import THEMES

ROOMS = (
    "annotation",
    "benchmarks",
    "config",
    "docker",
    "docs",
    "learning",
    "models_zoo",
    "static",
    "templates",
    "tests",
)
BESIDE = (".gitignore", "LICENSE", "Makefile", "README.md", "manage.py", "pyproject.toml", "requirements.lock")
LEFT_OUT = {"node_modules", "dist", "__pycache__", "_build"}
A_YEAR = 365 * 24 * 3600


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme in a cookie and go back to where the person was."""
    wanted, back = request.POST.get("theme", ""), request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    answer = redirect(back if safe else "projects")
    if wanted in THEMES:
        answer.set_cookie("theme", wanted, max_age=A_YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return answer


@require_safe
def source(_request: HttpRequest) -> FileResponse:
    """The source of what runs here, as the AGPL asks, for everybody who reaches the page."""
    return FileResponse(BytesIO(_packed()), as_attachment=True, filename="marrowloop-source.zip")


@lru_cache(maxsize=1)
def _packed() -> bytes:
    """Packed once a process: what runs is what was there when it started, and packing takes a second."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in source_files(settings.BASE_DIR):
            archive.write(path, Path("marrowloop") / path.relative_to(settings.BASE_DIR))
    return stream.getvalue()


def source_files(root: Path) -> Iterator[Path]:
    """Never what somebody has laid beside the source: passwords for Docker, a data folder, notes."""
    yield from (root / name for name in BESIDE if (root / name).is_file())
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if _is_source(path, root):
                yield path


def _is_source(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    kept_apart = path.is_relative_to(settings.HOME) and not root.is_relative_to(settings.HOME)
    hidden = any(part.startswith(".env") or part.endswith((".env", ".sqlite3")) for part in parts)
    return path.is_file() and not path.is_symlink() and not (hidden or kept_apart or LEFT_OUT.intersection(parts))
