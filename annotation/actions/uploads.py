"""Files on their way in: offered by name and size, received in parts, complete or refused one by one.

The row says how much of a file is there. A part is written before the row is told, so after a break, whatever broke,
the browser goes on at `received`, and no byte is believed that is not on the disk.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from annotation import store
from annotation.access import Actor, Permission, require
from annotation.actions.transfers import move_transfer
from annotation.errors import Refused
from annotation.models import Project, Transfer, TransferKind, TransferState, Upload
from annotation.transfers import content, limits
from annotation.transfers.names import LONGEST, safe_name

# A part is held in memory, so it may not be large; the browser sends half of this.
PART_BYTES = 8 << 20


class PartOutOfPlaceError(Refused):
    """The part begins somewhere else than what is there ends: go on at `received`."""

    def __init__(self, received: int) -> None:
        super().__init__(f"{received} bytes of this file are here: go on there.")
        self.received = received


@dataclass(frozen=True, slots=True)
class Offered:
    """A file as the browser knows it. Name and size are its fingerprint: the same two mean the same file."""

    name: str
    size: int

    @property
    def kept_name(self) -> str:
        return safe_name(self.name)[-LONGEST:]


@dataclass(frozen=True, slots=True)
class Received:
    """How far an upload is. `refused` files are whole, but none that can be taken."""

    files: int
    whole: int
    refused: int
    bytes: int
    received: int

    @property
    def unfinished(self) -> int:
        return self.files - self.whole - self.refused


def start_upload(*, project: Project, files: Sequence[Offered], actor: Actor) -> Transfer:
    """The upload that `files` belong to: one of the actor's own that waits for any of them, else a new one."""
    require(actor, project, Permission.RUN)
    return _waiting(project, files, actor) or Transfer.objects.create(
        project=project,
        author_id=None if actor is None else actor.pk,
        kind=TransferKind.PREVIEW,
        state=TransferState.RECEIVING,
    )


def _waiting(project: Project, files: Sequence[Offered], actor: Actor) -> Transfer | None:
    wanted = {(file.kept_name, file.size) for file in files}
    rows = Upload.objects.filter(
        transfer__project=project,
        transfer__author_id=None if actor is None else actor.pk,
        transfer__kind=TransferKind.PREVIEW,
        transfer__state=TransferState.RECEIVING,
    )
    for chunk in _chunks(sorted({name for name, _ in wanted}), 500):
        for row in rows.filter(name__in=chunk).select_related("transfer").order_by("-id"):
            if (row.name, row.size) in wanted:
                return row.transfer
    return None


@transaction.atomic
def offer_files(*, transfer: Transfer, files: Sequence[Offered], actor: Actor) -> list[Upload]:
    """The rows of `files`, in their order: those that are known with what was received, the others new.

    One that is too large is a row with its fault. Raises Refused where the upload would be too much as a whole. An
    upload that was looked at already takes files again.
    """
    require_sender(transfer, actor)
    transfer = _open_again(Transfer.objects.select_for_update().get(pk=transfer.pk))
    known = {(row.name, row.size): row for row in transfer.uploads.all()} if files else {}
    new = dict[tuple[str, int], Upload]()
    for file in files:
        key = (file.kept_name, file.size)
        if key not in known and key not in new:
            new[key] = _row(transfer, file)
    taken = [row for row in (*known.values(), *new.values()) if not row.fault]
    missing = sum(row.size - row.received for row in taken)
    limits.check_whole(len(taken), sum(row.size for row in taken), missing if new else 0)
    made = Upload.objects.bulk_create(new.values())
    known |= {(row.name, row.size): row for row in made}
    return [known[file.kept_name, file.size] for file in files]


def _row(transfer: Transfer, file: Offered) -> Upload:
    fault = limits.file_trouble(file.size) or ("" if file.size else content.trouble(content.EMPTY, file.kept_name))
    return Upload(
        transfer=transfer,
        name=file.kept_name,
        size=max(0, min(file.size, 2**62)),
        fault=fault,
        completed_at=timezone.now() if fault else None,
    )


def receive_part(*, upload: Upload, offset: int, data: bytes, actor: Actor) -> Upload:
    """Write `data` at `offset`. Raises PartOutOfPlaceError where that is not the end of what is there.

    The last part completes the file: what it is is told by its bytes, and one that can be nothing is refused.
    """
    transfer = upload.transfer
    require_sender(transfer, actor)
    _require_receiving(transfer)
    if not data:
        raise Refused("The part is empty: send the bytes of the file that follow.")
    limits.check_disk(len(data))
    with _opened(upload) as stream:
        upload.refresh_from_db()
        here = min(upload.received, os.fstat(stream.fileno()).st_size)
        if upload.completed_at is not None or offset != here:
            raise PartOutOfPlaceError(upload.received if upload.completed_at else _went_back(upload, here))
        if offset + len(data) > upload.size:
            raise Refused(f"The file was said to have {upload.size} bytes, and this part goes beyond them.")
        _went_back(upload, here)
        stream.seek(offset)
        stream.write(data)
        _told(upload, stream, offset, len(data))
    return upload


def receive_whole(*, transfer: Transfer, name: str, size: int, chunks: Iterable[bytes], actor: Actor) -> Upload:
    """Take a file out of an ordinary form. One that is there already is not written again."""
    upload = offer_files(transfer=transfer, files=[Offered(name, size)], actor=actor)[0]
    if upload.completed_at is not None:
        return upload
    with _opened(upload) as stream:
        upload.refresh_from_db()
        if upload.completed_at is None:
            stream.truncate(0)
            _went_back(upload, 0)
            written = sum(stream.write(chunk) for chunk in chunks)
            if written != size:
                raise Refused(f"{written} of the {size} bytes of a file came: send it again.")
            _told(upload, stream, 0, size)
    return upload


def remove_upload(*, upload: Upload, actor: Actor) -> None:
    """Take one file out of an upload again."""
    require_sender(upload.transfer, actor)
    _require_receiving(upload.transfer)
    upload.delete()
    store.forget(file_of(upload))
    file_of(upload).unlink(missing_ok=True)


def remove_unfinished(*, transfer: Transfer, actor: Actor) -> int:
    """Take all files out that are not whole; how many there were."""
    require_sender(transfer, actor)
    _require_receiving(transfer)
    rows = list(transfer.uploads.filter(completed_at__isnull=True))
    for row in rows:
        remove_upload(upload=row, actor=actor)
    return len(rows)


def discard_upload(*, transfer: Transfer, actor: Actor) -> None:
    """Throw the files of an upload away, and with them what could have been imported from it."""
    require(actor, transfer.project, Permission.RUN)
    transfer.refresh_from_db()
    if transfer.kind not in (TransferKind.PREVIEW, TransferKind.IMPORT):
        raise Refused("Only an upload has files that can be thrown away.")
    if transfer.state in (TransferState.QUEUED, TransferState.RUNNING):
        raise Refused("It is at work: cancel it first.")
    if transfer.kind == TransferKind.IMPORT and transfer.state == TransferState.SUCCEEDED:
        raise Refused("Its files went when they were imported; the list of what was refused stays.")
    if transfer.kind == TransferKind.PREVIEW and transfer.state != TransferState.CANCELLED:
        move_transfer(transfer, TransferState.CANCELLED, ended_at=timezone.now())
    forget_files(transfer)


def forget_files(transfer: Transfer) -> None:
    """Remove what was received: it may name patients, and is of no use any more."""
    transfer.uploads.all().delete()
    store.forget(transfer.folder)
    shutil.rmtree(transfer.folder, ignore_errors=True)


def received_of(transfer: Transfer) -> Received:
    """How far the upload is, by one query."""
    taken, whole = Q(fault=""), Q(fault="", completed_at__isnull=False)
    found = transfer.uploads.aggregate(
        files=Count("id"),
        whole=Count("id", filter=whole),
        refused=Count("id", filter=~taken),
        bytes=Sum("size", filter=taken, default=0),
        received=Sum("received", filter=taken, default=0),
    )
    return Received(**found)


def file_of(upload: Upload) -> Path:
    """Where the bytes of `upload` lie. Not by its name, which is laid out only for the time of an import."""
    return upload.transfer.folder / "files" / str(upload.uuid)


def require_sender(transfer: Transfer, actor: Actor) -> None:
    """Raises PermissionDenied for everybody but who began the upload."""
    require(actor, transfer.project, Permission.RUN)
    if actor is not None and transfer.author_id != actor.pk:
        raise PermissionDenied("Only who began an upload can go on with it: begin your own.")


def _require_receiving(transfer: Transfer) -> None:
    if transfer.state != TransferState.RECEIVING:
        raise Refused("This upload takes no files just now: it is being looked at or imported, or has ended.")


def _open_again(transfer: Transfer) -> Transfer:
    if transfer.kind == TransferKind.PREVIEW and transfer.state in (
        TransferState.SUCCEEDED,
        TransferState.FAILED,
        TransferState.CANCELLED,
    ):
        move_transfer(transfer, TransferState.RECEIVING, result={}, error="", progress={})
    _require_receiving(transfer)
    return transfer


@contextmanager
def _opened(upload: Upload) -> Iterator[IO[bytes]]:
    """The file of an upload, for one writer at a time: two tabs may send the same file."""
    path = file_of(upload)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


def _went_back(upload: Upload, here: int) -> int:
    """The disk may have lost what the row remembers; then the row is told."""
    if here < upload.received:
        Upload.objects.filter(pk=upload.pk, completed_at__isnull=True).update(received=here)
        upload.received = here
    return here


def _told(upload: Upload, stream: IO[bytes], offset: int, length: int) -> None:
    """What was written is on the disk before the row says so; the last byte completes the file."""
    stream.flush()
    os.fsync(stream.fileno())
    values: dict[str, object] = {"received": offset + length}
    if offset + length == upload.size:
        stream.seek(0)
        kind = content.look(stream.read(content.HEAD_BYTES))
        if not (trouble := content.trouble(kind, upload.name)[:300]):
            store.share(file_of(upload))
        values |= {"completed_at": timezone.now(), "fault": trouble}
    mine = Upload.objects.filter(pk=upload.pk, received=offset, completed_at__isnull=True)
    if not mine.update(**values):
        upload.refresh_from_db()
        raise PartOutOfPlaceError(upload.received)
    upload.refresh_from_db()
    if upload.fault:
        file_of(upload).unlink(missing_ok=True)


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
