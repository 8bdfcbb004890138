"""Backups: all rows and files in one archive, taken while people work, and thrown away when there are newer ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from annotation import store
from annotation.alone import alone
from annotation.errors import Refused
from annotation.models import Field, Snapshot
from learning.keeping import rows
from learning.keeping.archive import VERSION, FileEntry, Manifest, Writer
from learning.keeping.databases import frozen
from learning.keeping.files import kept_files, shared_files, size_of
from learning.models import ModelVersion

Told = Callable[[int, int], None]
PREFIX = "marrowloop-"
MOST_FAULTS = 100


@dataclass(slots=True)
class Wanted:
    """Files that rows speak of, with the hash each must have; where that is empty it must only be there."""

    files: dict[str, str] = field(default_factory=dict)

    def faults(self, found: Mapping[str, FileEntry]) -> list[str]:
        faults = []
        for name, sha256 in self.files.items():
            if name not in found:
                faults.append(f"{name} is missing")
            elif sha256 and found[name].sha256 != sha256:
                faults.append(f"{name} was changed")
        return faults


def back_up(*, out: Path | None = None, told: Told | None = None) -> tuple[Path, Manifest]:
    """Write an archive of the whole installation to `out`, by default a new file in the folder of backups.

    Nobody has to stop working. All rows are of one moment; the files come after them, so that each file that a row
    speaks of is there: pictures, snapshots and models are only ever added. What is missing or changed all the same is
    named in the manifest, and the rest is kept. Raises Refused where another backup runs or the disk has no room.
    """
    with alone("a backup"):
        path = out or settings.BACKUPS_DIR / f"{PREFIX}{timezone.now():%Y%m%d-%H%M%S}.zip"
        if path.exists():
            raise Refused(f"{path} is there already: name another file.")
        _check_room(path)
        try:
            return path, _write(Writer(path), told or (lambda _done, _total: None))
        except OSError as error:
            raise Refused(f"{path} cannot be written: {error.strerror or error}.") from error


def _check_room(path: Path) -> None:
    """Counted without compression: rows take about as much room as in the database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    needed = size_of(kept_files(settings.HOME)) + settings.KEEP_FREE_MB * 1_000_000
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise Refused(
            f"The backup needs {needed / 1e9:.1f} GB and {path.parent} has {free / 1e9:.1f} GB free: make room, or "
            "name a folder on another disk in MARROWLOOP_BACKUPS."
        )


def _write(writer: Writer, told: Told) -> Manifest:
    try:
        wanted, tables = Wanted(), rows.tables_of(apps, DEFAULT_DB_ALIAS)
        made_at = timezone.now().isoformat(timespec="seconds")
        with frozen():
            for table in tables:
                order = rows.columns(table)
                writer.add_table(table._meta.db_table, order, rows.read_rows(table, DEFAULT_DB_ALIAS, order))
            _want_all(wanted)
            migrations = sorted(MigrationRecorder(connections[DEFAULT_DB_ALIAS]).applied_migrations())
            numbers = rows.last_numbers(tables, DEFAULT_DB_ALIAS)
        files = sorted({*kept_files(settings.HOME), *shared_files(settings.HOME)})
        for done, file in enumerate(files, start=1):
            writer.add_file(file.relative_to(settings.HOME).as_posix(), store.fetch(file))
            told(done, len(files))
        manifest = Manifest(
            version=VERSION,
            made_at=made_at,
            engine=connections[DEFAULT_DB_ALIAS].vendor,
            migrations=migrations,
            tables=writer.tables,
            last_numbers=numbers,
            files=writer.files,
            left_out=rows.strangers(tables, DEFAULT_DB_ALIAS),
            faults=wanted.faults(writer.files)[:MOST_FAULTS],
        )
        writer.finish(manifest)
        return manifest
    finally:
        writer.abandon()


def _want_all(wanted: Wanted) -> None:
    """Read with the rows, so that nothing is missed that was erased or tidied away a moment later."""
    for file, sha256 in Field.objects.values_list("file", "sha256").iterator(rows.CHUNK):
        wanted.files[_below_home(settings.IMAGES_DIR / file)] = sha256
    for sha256 in Snapshot.objects.values_list("sha256", flat=True).distinct():
        wanted.files[_below_home(settings.SNAPSHOTS_DIR / f"{sha256}.jsonl")] = sha256
    for model in ModelVersion.objects.filter(weights_removed_at=None):
        wanted.files[_below_home(model.weights)] = model.sha256


def _below_home(path: Path) -> str:
    return path.relative_to(settings.HOME).as_posix()


def kept_backups() -> list[Path]:
    """The archives in the folder of backups, the newest first. What lies there under other names is not ours."""
    return sorted(settings.BACKUPS_DIR.glob(f"{PREFIX}*.zip"), reverse=True)


def remove_old_backups(keep: int) -> list[Path]:
    """Keep the newest `keep` archives; returns what was removed."""
    old = kept_backups()[max(keep, 1) :]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def parts_left() -> Iterator[Path]:
    """Archives that were never finished, because their process was killed."""
    yield from settings.BACKUPS_DIR.glob(f".{PREFIX}*.part")
