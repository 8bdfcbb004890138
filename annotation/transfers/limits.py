"""How much may be sent: asked before a file is accepted, answered in words."""

from __future__ import annotations

import shutil

from django.conf import settings

from annotation.errors import Refused

MAX_FILES = 20_000
MB = 1_000_000


def size_words(size: int) -> str:
    """2.4 GB, 12 MB, 850 kB, 12 bytes."""
    for step, word in ((1_000 * MB, "GB"), (MB, "MB"), (1_000, "kB")):
        if size >= step:
            return f"{size / step:.1f} {word}" if size < 10 * step else f"{size / step:.0f} {word}"
    return f"{size} bytes"


def file_trouble(size: int) -> str:
    """Why a file of this size is not accepted, in a sentence; empty when it is."""
    if size < 0:
        return "The size is no size."
    if size > settings.UPLOAD_FILE_MB * MB:
        limit = size_words(settings.UPLOAD_FILE_MB * MB)
        return f"The file has {size_words(size)}; one file may have {limit}. Divide it, or import it by command."
    return ""


def check_whole(files: int, size: int, missing: int) -> None:
    """Raises Refused when an upload of so many `files` and `size` bytes is too much, or the `missing` bytes of it."""
    if files > MAX_FILES:
        raise Refused(f"These would be {files} files; one upload takes {MAX_FILES}. Pack them into a zip.")
    if size > settings.UPLOAD_TOTAL_MB * MB:
        limit = size_words(settings.UPLOAD_TOTAL_MB * MB)
        raise Refused(f"These would be {size_words(size)}; one upload takes {limit}. Send them in several uploads.")
    check_disk(missing)


def check_disk(more: int) -> None:
    """Raises Refused when the disk would be left too full by `more` bytes."""
    settings.HOME.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.HOME).free - settings.KEEP_FREE_MB * MB
    if more > free:
        raise Refused(
            f"The server's disk has room for {size_words(max(0, free))}, and {size_words(more)} are to come. "
            "Ask the administrator of this installation to make room."
        )
