"""The store: where files lie that more than one machine must see.

Every file of the product has its place under HOME. Without a store that is all there is to say. With one (the setting
STORE) HOME is this machine's copy: whoever makes a file shares it before a row speaks of it, whoever reads one fetches
it first. A file has the same name on both sides: its path relative to HOME. It is in the store whole or not at all,
because an S3 server shows an upload when its last byte is there, and here it is renamed into place.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings

if TYPE_CHECKING:
    from storages.backends.s3 import S3Storage

# Files that are shared at once where there are many: most of the time goes into waiting for the other machine.
HANDS = 8
STORE_IS_AWAY = "The server cannot reach its store of files just now. Nothing was changed: try again in a minute."
# How long work in the background waits for a store that is away, and the pause between two tries, in seconds.
PATIENCE_SECONDS, PAUSE = 600.0, 3.0

Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)
_standing = 0.0
_patience: ContextVar[float | None] = ContextVar("patience", default=None)
_HASH = re.compile(r"[0-9a-f]{64}")


class StoreError(OSError):
    """The store did not give or take a file; the text says which, and why."""


def is_shared() -> bool:
    """Whether other machines see files by the store alone."""
    return bool(settings.STORE)


def share(path: Path, content: Path | None = None) -> None:
    """Put the file at `path`, or `content` in its name, into the store, over what is there. Raises StoreError."""
    if is_shared():
        _asked(path, lambda: _bucket().upload_file(str(content or path), _key(path), Config=_transfer()))


def share_new(folder: Path, contents: Path) -> None:
    """Share the files below `contents` as those of `folder`, but for what the store has: their names are hashes."""
    if is_shared():
        found = [content for content in contents.rglob("*") if content.is_file() and not content.name.startswith(".")]
        with ThreadPoolExecutor(HANDS) as hands:
            list(hands.map(lambda content: _share_new(folder / content.relative_to(contents), content), found))


def _share_new(path: Path, content: Path) -> None:
    if _size_there(path) is None:
        share(path, content)


def share_folder(folder: Path) -> None:
    """Share all files of `folder`, but for hidden ones and what a writer has not finished."""
    if is_shared():
        found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        for path in found:
            if not path.name.startswith(".") and path.suffix != ".part":
                share(path)


def fetch(path: Path) -> Path:
    """`path`, with the file there if the store has it. Where nobody has it there is none. Raises StoreError."""
    if is_shared() and not path.exists():
        _bring(path)
    return path


def fetch_larger(path: Path) -> Path:
    """As `fetch`, for a file that grows elsewhere, such as a log: fetched again when the store has more of it."""
    if is_shared():
        there = _size_there(path)
        if there is not None and there > (path.stat().st_size if path.exists() else -1):
            _bring(path)
    return path


def files_of(folder: Path) -> list[Path]:
    """The places here of the files that the store has in `folder`. Raises StoreError."""
    if not is_shared():
        return []
    start = len(_prefix())
    names = _asked(folder, lambda: [entry.key[start:] for entry in _bucket().objects.filter(Prefix=f"{_key(folder)}/")])
    return [Path(settings.HOME) / name for name in names]


def fetch_folder(folder: Path) -> Path:
    """`folder`, with all files that the store has of it."""
    for path in files_of(folder):
        fetch(path)
    return folder


def size(path: Path) -> int | None:
    """Bytes of a file, here or in the store; None where there is none."""
    if path.exists():
        return path.stat().st_size
    return _size_there(path) if is_shared() else None


def forget(path: Path) -> None:
    """Take a file, or a folder with all that is in it, out of the store. What lies here stays. Raises StoreError."""
    if is_shared():
        with _in_words(path):
            _bucket().Object(_key(path)).delete()
            _bucket().objects.filter(Prefix=_key(path) + "/").delete()


def check() -> None:
    """Raises StoreError where the store does not answer, or not to us."""
    if is_shared():
        with _in_words(Path(settings.HOME) / "check"):
            list(_bucket().objects.filter(Prefix=_key(Path(settings.HOME) / "check")).limit(1))


def _bring(path: Path) -> None:
    """Fetch into a hidden file beside `path` and rename; the name of a hash must be that of the content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".fetched-")
    os.close(handle)
    part = Path(name)
    try:
        made = _asked(path, lambda: _download(path, name))
        if made is None:
            return
        _check_hash(path, part)
        os.utime(part, (made, made))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _download(path: Path, name: str) -> float | None:
    """When what now lies in the file `name` was put into the store; None where it has no such file."""
    try:
        made: float = _bucket().Object(_key(path)).last_modified.timestamp()
        _bucket().download_file(_key(path), name, Config=_transfer())
    except Exception as error:
        if _is_missing(error):
            return None
        raise
    return made


def _check_hash(path: Path, part: Path) -> None:
    if not _HASH.fullmatch(path.stem):
        return
    with part.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != path.stem:
            raise StoreError(f"{path.name} in the store is not what its name says: restore it from a backup")


def _size_there(path: Path) -> int | None:
    return _asked(path, lambda: _content_length(path))


def _content_length(path: Path) -> int | None:
    try:
        return int(_bucket().Object(_key(path)).content_length)
    except Exception as error:
        if _is_missing(error):
            return None
        raise


def _is_missing(error: Exception) -> bool:
    answer = getattr(error, "response", {})
    return answer.get("Error", {}).get("Code") in {"404", "NoSuchKey", "NotFound"}


def _asked(path: Path, deed: Callable[[], Answer]) -> Answer:
    """Do `deed` with the store, again and again while it cannot be reached and this process has patience."""
    given = _patience.get()
    until = time.monotonic() + (_standing if given is None else given)
    while True:
        try:
            with _in_words(path):
                return deed()
        except StoreError as error:
            if not _is_away(error.__cause__) or time.monotonic() + PAUSE > until:
                raise
            _log.warning("the store cannot be reached and is asked again: %s", error)
        time.sleep(PAUSE)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise StoreError(f"the store did not answer as it should for {path.name}: {error}") from error


def _is_away(error: BaseException | None) -> bool:
    """Whether nobody answered, in place of a refusal, which would be the same the next time."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    return isinstance(error, NoConnection | HTTPClientError) or (
        error is not None and isinstance(error.__context__, NoConnection | HTTPClientError)
    )


def be_patient() -> None:
    """This process works in the background: a store that is away is waited for, where a page would give up."""
    global _standing  # said once, when a worker or a run begins
    _standing = PATIENCE_SECONDS


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """So long the store is waited for inside, whatever holds for the process."""
    before = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(before)


def _prefix() -> str:
    prefix: str = settings.STORE["location"]
    return f"{prefix}/" if prefix else ""


def _key(path: Path) -> str:
    """The name in the bucket. Raises ValueError for a path outside HOME."""
    return _prefix() + path.relative_to(settings.HOME).as_posix()


def _bucket() -> Any:
    return _storage(tuple(sorted(settings.STORE.items())), os.getpid()).bucket


@cache
def _storage(options: tuple[tuple[str, str], ...], _process: int) -> S3Storage:
    """One for each process: a connection must not be used on both sides of a fork. It keeps one for each thread."""
    from botocore.config import Config
    from storages.backends.s3 import S3Storage

    patience = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})
    given = dict(options)
    path_style = "path" if given["endpoint_url"] else "auto"
    patience = patience.merge(Config(s3={"addressing_style": path_style}, signature_version="s3v4"))
    wanted = {"bucket_name": given["bucket_name"], "endpoint_url": given["endpoint_url"] or None}
    return S3Storage(**wanted, client_config=patience, file_overwrite=True, default_acl=None)


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(use_threads=False)
