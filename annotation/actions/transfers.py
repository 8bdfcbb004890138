"""Previews, imports, exports and releases as people ask for them: queued, cancelled, tried again.

What a worker writes meanwhile stands in transfers_work. Every move is a compare-and-swap on the state it was seen in.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import OperationalError, transaction
from django.utils import timezone

from annotation.access import Actor, Permission, require
from annotation.actions.exports import FORMATS
from annotation.actions.imports import ImportOptions, check_options
from annotation.errors import Refused
from annotation.lanes import wake_after_commit
from annotation.models import Event, Project, Snapshot, Split, Transfer, TransferKind, TransferState
from annotation.transfers.states import Kind, State, check_move, moves_from


def move_transfer(transfer: Transfer, new: str, *, kind: str | None = None, **values: Any) -> None:
    """Raises IllegalMove for a move that the table does not hold, Refused where somebody else was faster."""
    check_move(Kind(transfer.kind), State(transfer.state), State(new), None if kind is None else Kind(kind))
    changed = {"state": new, **({} if kind is None else {"kind": kind}), **values}
    mine = Transfer.objects.filter(pk=transfer.pk, state=transfer.state, kind=transfer.kind, attempt=transfer.attempt)
    if not mine.update(**changed):
        raise Refused("Somebody else has just changed this: reload the page and look again.")
    transfer.refresh_from_db()


def start_preview(*, transfer: Transfer, options: ImportOptions, actor: Actor) -> None:
    """Look at what was uploaded, without importing it."""
    _queue_files(transfer, TransferKind.PREVIEW, options, actor)


def start_import(*, transfer: Transfer, options: ImportOptions, actor: Actor) -> None:
    """Import what was uploaded."""
    _queue_files(transfer, TransferKind.IMPORT, options, actor)


@transaction.atomic
def _queue_files(transfer: Transfer, kind: TransferKind, options: ImportOptions, actor: Actor) -> None:
    require(actor, transfer.project, Permission.RUN)
    check_options(options)
    transfer.refresh_from_db()
    _check_movable(transfer)
    if transfer.uploads.filter(completed_at__isnull=True).exists():
        left = transfer.uploads.filter(completed_at__isnull=True).count()
        raise Refused(f"{left} files have not arrived whole: go on with the upload, or take them out of it.")
    if not transfer.uploads.filter(fault="").exists():
        raise Refused("There is no file to look at: upload some first.")
    settings = {**transfer.settings, "options": asdict(options), "attempts_before": transfer.attempt}
    move_transfer(transfer, TransferState.QUEUED, kind=kind, settings=settings, **_AFRESH)
    _record(transfer, actor)


def start_export(
    *,
    project: Project,
    format: str,  # noqa: A002  # the word people use
    split: str = "",
    images: bool = False,
    signed_off: bool = False,
    release: Snapshot | None = None,
    actor: Actor,
) -> Transfer:
    """Queue an export of what is labelled today, or of exactly what `release` froze."""
    require(actor, project, Permission.RUN)
    if format not in FORMATS:
        raise Refused(f"{format!r} is no format: choose {' or '.join(FORMATS)}.")
    if split and split not in Split.values:
        raise Refused(f"{split!r} is no split: choose one of {', '.join(Split.values)}, or all.")
    if release is not None and release.project_id != project.pk:
        raise Refused("This release belongs to another project.")
    if release is not None and signed_off:
        raise Refused("A release is exported as it was frozen: choose signed-off fields when you make it.")
    settings = {"format": format, "split": split, "images": images, "signed_off": signed_off}
    return _new(project, TransferKind.EXPORT, settings | _release_words(release), actor, snapshot=release)


def _release_words(release: Snapshot | None) -> dict[str, Any]:
    return {} if release is None else {"release": release.pk, "release_name": release.name}


def start_release(
    *, project: Project, name: str, notes: str = "", split: str = "", signed_off: bool = False, actor: Actor
) -> Transfer:
    """Queue a release: the labels of today, frozen under a name."""
    require(actor, project, Permission.RUN)
    name = name.strip()
    if not name:
        raise Refused("A release needs a name, such as 2026-11 or paper-revision.")
    if _name_is_taken(project, name):
        raise Refused(f"There is a release {name!r} already: choose another name.")
    if split and split not in Split.values:
        raise Refused(f"{split!r} is no split: choose one of {', '.join(Split.values)}, or all.")
    settings = {"name": name[:120], "notes": notes, "split": split, "signed_off": signed_off}
    return _new(project, TransferKind.RELEASE, settings, actor)


def _name_is_taken(project: Project, name: str) -> bool:
    waiting = Transfer.objects.filter(
        project=project, kind=TransferKind.RELEASE, state__in=[TransferState.QUEUED, TransferState.RUNNING]
    )
    return project.snapshots.filter(name=name).exists() or waiting.filter(settings__name=name).exists()


@transaction.atomic
def _new(project: Project, kind: TransferKind, settings: dict[str, Any], actor: Actor, **more: Any) -> Transfer:
    author = None if actor is None else actor.pk
    transfer = Transfer.objects.create(project=project, author_id=author, kind=kind, settings=settings, **more)
    _record(transfer, actor)
    return transfer


def cancel_transfer(*, transfer: Transfer, actor: Actor) -> bool:
    """Cancel one that waits at once, ask one that runs to stop. False: it has ended already."""
    require(actor, transfer.project, Permission.RUN)
    transfer.refresh_from_db()
    try:
        if transfer.state == TransferState.QUEUED:
            move_transfer(transfer, TransferState.CANCELLED, ended_at=timezone.now())
            return True
        running = Transfer.objects.filter(pk=transfer.pk, state=TransferState.RUNNING)
        return bool(running.update(cancel_requested=True))
    except OperationalError as error:
        raise Refused("The labels are just being written, which cannot be asked to stop: try again shortly.") from error


@transaction.atomic
def retry_transfer(*, transfer: Transfer, actor: Actor) -> None:
    """Queue one that failed or was cancelled again, with the settings it had."""
    require(actor, transfer.project, Permission.RUN)
    transfer.refresh_from_db()
    _check_movable(transfer)
    if transfer.state not in (TransferState.FAILED, TransferState.CANCELLED):
        raise Refused("Only what failed or was cancelled can be tried again.")
    received = transfer.kind in (TransferKind.PREVIEW, TransferKind.IMPORT)
    if received and not transfer.uploads.filter(fault="", completed_at__isnull=False).exists():
        raise Refused("Its files are gone: upload them again.")
    settings = {**transfer.settings, "attempts_before": transfer.attempt}
    anew = {} if transfer.kind != TransferKind.EXPORT or "release" in transfer.settings else {"snapshot": None}
    move_transfer(transfer, TransferState.QUEUED, settings=settings, **anew, **_AFRESH)
    _record(transfer, actor)


_AFRESH: dict[str, Any] = {
    "result": {},
    "error": "",
    "progress": {},
    "cancel_requested": False,
    "started_at": None,
    "ended_at": None,
}


def _check_movable(transfer: Transfer) -> None:
    if State.QUEUED not in moves_from(Kind(transfer.kind), State(transfer.state)):
        waits = transfer.state in (TransferState.QUEUED, TransferState.RUNNING)
        raise Refused("It is at work already: wait, or cancel it." if waits else "It has ended: upload anew.")


def _record(transfer: Transfer, actor: Actor) -> None:
    Event.objects.create(
        project=transfer.project,
        actor_id=None if actor is None else actor.pk,
        verb=f"{transfer.kind} asked",
        after={"transfer": transfer.pk},
        client="page",
    )
    wake_after_commit("annotation.tasks.transfers")
