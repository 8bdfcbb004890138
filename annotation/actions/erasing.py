"""Erasing a case: its rows, its pictures, its lines in what was frozen, and what uploads and exports left of it.

What the loop has of it (models' findings, folders of runs) is erased by learning.actions.erasing, which calls this.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from annotation import store
from annotation.access import Actor, Permission, require
from annotation.actions.snapshots import Tally, read_snapshot
from annotation.errors import Refused
from annotation.imaging.tiles import folder_of as tiles_folder
from annotation.models import (
    Case,
    DatasetImport,
    Event,
    Field,
    Project,
    Reading,
    Snapshot,
    Transfer,
    TransferKind,
    TransferState,
)

AT_WORK = (TransferState.QUEUED, TransferState.RUNNING)
ERASED = "[erased]"
# A case may be called 1 or A: such a word is no name in a sentence.
SHORT = 3


@dataclass(slots=True)
class Remains:
    """What is to go once the rows are gone for good: files, and crops of cells by what they are named after."""

    fields: list[int]
    words: set[str]
    pictures: set[str]
    hashes: set[str]
    folders: list[Path] = field(default_factory=list)
    snapshots: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


def check_case(*, case: Case, confirm: str, actor: Actor) -> None:
    """Raises Refused unless `confirm` is the code of the case, and while an import or export is at work."""
    require(actor, case.project, Permission.ADMINISTER)
    if confirm.strip() != case.code:
        raise Refused(f"Nothing was erased: to erase this case type its code, {case.code}.")
    busy = case.project.transfers.filter(state__in=AT_WORK).first()
    if busy is not None:
        raise Refused(f"Nothing was erased: an {busy.kind} of this project is at work. Wait for its end, or cancel it.")


def erase_rows(case: Case) -> Remains:
    """Every row that belongs to `case`, inside the caller's transaction. Returns what else has to go."""
    project = case.project
    list(Reading.objects.select_for_update(no_key=True).filter(field__case=case))  # readings before fields
    fields = list(Field.objects.select_for_update(no_key=True).filter(case=case))
    remains = Remains(
        fields=[row.pk for row in fields],
        words={case.code, *(word for row in fields for word in (row.original_name, row.code) if word)},
        pictures={row.file for row in fields},
        hashes={row.sha256 for row in fields},
    )
    remains.words |= {Path(word).stem for word in remains.words}
    _reduce_snapshots(project, set(remains.fields), remains)
    try:
        _, gone = Field.objects.filter(case=case).delete()
        _, of_case = case.delete()
    except IntegrityError as error:
        raise Refused("Somebody saved in this case a moment ago, so nothing was erased: try again.") from error
    for name, number in (gone | of_case).items():
        remains.counts[name.rpartition(".")[2].lower()] += number
    _forget_transfers(project, remains)
    _forget_names(project, remains.words)
    return remains


def _reduce_snapshots(project: Project, fields: Collection[int], remains: Remains) -> None:
    """A list that holds the case is written anew without it, under the hash that it now has; the row says so."""
    for snapshot in project.snapshots.filter(readings__field__in=fields).distinct():
        before = snapshot.sha256
        kept, tally, digest = [], Tally(), sha256()
        for frozen in read_snapshot(snapshot):
            if frozen.field not in fields:
                line = msgspec.json.encode(frozen) + b"\n"
                digest.update(line)
                kept.append(line)
                tally.take(frozen)
        removed = snapshot.counts.get("fields", 0) - tally.counts["fields"]
        snapshot.sha256, snapshot.counts = digest.hexdigest(), tally.as_dict()
        snapshot.reductions = [
            *snapshot.reductions,
            {"at": timezone.now().isoformat(timespec="seconds"), "readings": removed, "before": before},
        ]
        _write(settings.SNAPSHOTS_DIR / f"{snapshot.sha256}.jsonl", b"".join(kept))
        snapshot.save(update_fields=["sha256", "counts", "reductions"])
        remains.snapshots.add(before)
        remains.counts["snapshots_reduced"] += 1


def _write(path: Path, content: bytes) -> None:
    """All of the file or nothing, here and in the store."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="part-")
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    store.share(path, Path(name))
    Path(name).replace(path)


def _forget_transfers(project: Project, remains: Remains) -> None:
    """Files that were sent in, and archives that were handed out: nobody can tell which of them hold the case."""
    for transfer in project.transfers.exclude(state__in=AT_WORK):
        if transfer.kind in (TransferKind.PREVIEW, TransferKind.IMPORT):
            remains.counts["uploads"] += transfer.uploads.all().delete()[0]
        if transfer.kind != TransferKind.RELEASE:
            remains.folders.append(transfer.folder)
        result, error = _without(transfer.result, remains.words), _without(transfer.error, remains.words)
        Transfer.objects.filter(pk=transfer.pk).update(result=result, error=error, file="")


def _forget_names(project: Project, words: Collection[str]) -> None:
    """Names of its files, and its code, in what imports refused and in what acts wrote down."""
    for row in DatasetImport.objects.filter(project=project):
        rejected = _without(row.rejected, words)
        if rejected != row.rejected:
            DatasetImport.objects.filter(pk=row.pk).update(rejected=rejected)
    for event in Event.objects.filter(project=project, cell=None, reading=None).iterator(2000):
        before, after = _without(event.before, words), _without(event.after, words)
        if (before, after) != (event.before, event.after):
            Event.objects.filter(pk=event.pk).update(before=before, after=after)


def _without(value: Any, words: Collection[str]) -> Any:
    """`value` of JSON with each text that names the case replaced."""
    if isinstance(value, dict):
        return {_without(key, words): _without(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, words) for inner in value]
    return ERASED if isinstance(value, str) and names(value, words) else value


def names(text: str, words: Collection[str]) -> bool:
    """Whether one of `words` stands in `text` as a word; a very short one must be all of it."""
    if text in words:
        return True
    long = "|".join(re.escape(word) for word in words if len(word) >= SHORT)
    return bool(long) and re.search(rf"(?<![A-Za-z0-9])({long})(?![A-Za-z0-9])", text) is not None


def remove_files(remains: Remains) -> None:
    """After the commit: pictures that no other field has, thumbnails, crops, frozen lists, folders of transfers."""
    for file in sorted(remains.pictures):
        if Field.objects.filter(file=file).exists():
            remains.counts["pictures_kept"] += 1  # the same bytes belong to another case
            continue
        _remove(settings.IMAGES_DIR / file)
        remains.counts["pictures_removed"] += 1
    for digest in remains.hashes:
        if not Field.objects.filter(sha256=digest).exists():
            _remove(settings.HOME / "thumbnails" / digest[:2] / f"{digest}.jpg")
            shutil.rmtree(tiles_folder(settings.HOME / "thumbnails", digest), ignore_errors=True)
    # Crops are named after a hash of picture and place: which are whose cannot be told. They are made again.
    shutil.rmtree(settings.HOME / "thumbnails" / "crops", ignore_errors=True)
    for digest in remains.snapshots:
        if not Snapshot.objects.filter(sha256=digest).exists():
            _remove(settings.SNAPSHOTS_DIR / f"{digest}.jsonl")
    for folder in remains.folders:
        store.forget(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> None:
    store.forget(path)
    path.unlink(missing_ok=True)
