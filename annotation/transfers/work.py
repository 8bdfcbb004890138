"""What a worker does for a transfer: look at an upload, import it, export, make a release.

It may be begun again after a kill: a preview and an export are made anew, an import is done once, whoever asks.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from django.conf import settings

from annotation import store
from annotation.access import Actor
from annotation.actions.exports import export_dataset, freeze_for_export
from annotation.actions.import_gather import as_entry
from annotation.actions.import_preview import preview_dataset
from annotation.actions.imports import ImportOptions, ImportReport, import_dataset, imported_by
from annotation.actions.releases import make_release, releases_of
from annotation.archives import scratch_folder
from annotation.errors import Refused
from annotation.models import DatasetImport, Snapshot, Transfer, TransferKind, TransferState
from annotation.transfers.faults import count_faults, write_faults
from annotation.transfers.laying import LaidOut, lay_out, passed_over
from annotation.transfers.sweep import sweep

Found = TypeVar("Found")
Report = Callable[[int, int], None]
# Reading images is most of an import; writing its rows is the rest of the bar.
READING_SHARE = 0.9


class CancelledTransferError(Exception):
    """The work was asked to stop, and has left nothing."""


def perform(transfer: Transfer, report: Report, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Do the work of `transfer` and return what its page shows. Raises Refused, in words for people.

    `report(done, total)` is told of the progress. `cancelled` is asked between any two pieces of work; when it says
    yes, CancelledTransferError is raised.
    """

    def tick() -> None:
        if cancelled():
            raise CancelledTransferError(f"{transfer} was asked to stop")

    if transfer.author is None:
        raise Refused("The person who asked for this has no account any more: ask for it yourself.")
    sweep()
    work = {
        TransferKind.PREVIEW: _preview,
        TransferKind.IMPORT: _import,
        TransferKind.EXPORT: _export,
        TransferKind.RELEASE: _release,
    }[TransferKind(transfer.kind)]
    return work(transfer, transfer.author, report, tick)


def options_of(transfer: Transfer) -> ImportOptions:
    """The options that the form of an import asked for."""
    return ImportOptions(**transfer.settings.get("options", {}))


def _preview(transfer: Transfer, actor: Actor, report: Report, tick: Callable[[], None]) -> dict[str, Any]:
    with scratch_folder(settings.SCRATCH_DIR, "transfer") as scratch:
        laid, total = _laid_out(transfer, scratch, tick)
        found = _in_words(
            transfer,
            laid,
            lambda: preview_dataset(
                project=transfer.project,
                path=laid.root,
                options=options_of(transfer),
                actor=actor,
                report=lambda done, _: report(min(done, total), total),
                tick=tick,
            ),
        )
        over = [as_entry(fault) for fault in passed_over(laid.root, found.format)]
    result = found.as_dict()
    rejected, warnings = result.pop("rejected"), result.pop("warnings")
    return result | _kept(transfer, laid, rejected, [*warnings, *over])


def _import(transfer: Transfer, actor: Actor, report: Report, tick: Callable[[], None]) -> dict[str, Any]:
    done = imported_by(transfer.project, transfer.pk)
    if done is not None:  # the attempt before this one was killed after its work was done
        return _imported(transfer, done, None, [])
    with scratch_folder(settings.SCRATCH_DIR, "transfer") as scratch:
        laid, total = _laid_out(transfer, scratch, tick)
        whole = round(total / READING_SHARE)
        found = _in_words(
            transfer,
            laid,
            lambda: import_dataset(
                project=transfer.project,
                path=laid.root,
                options=options_of(transfer),
                actor=actor,
                report=lambda done, _: report(min(done, total), whole),
                client="page",
                transfer=transfer.pk,
                tick=tick,
            ),
        )
        over = [as_entry(fault) for fault in passed_over(laid.root, found.format)]
        return _imported(transfer, found, laid, over)


def _imported(
    transfer: Transfer, found: ImportReport, laid: LaidOut | None, over: list[dict[str, Any]]
) -> dict[str, Any]:
    """The files have done their work: they may name patients, so they go; the list of faults stays."""
    result = found.as_dict()
    rejected, warnings = result.pop("rejected"), result.pop("warnings")
    listed = None if laid is not None else count_faults(transfer.folder)
    result |= listed or _kept(transfer, laid, rejected, [*warnings, *over])
    _tell_record(transfer, result["refused"])
    store.forget(transfer.folder / "files")
    shutil.rmtree(transfer.folder / "files", ignore_errors=True)
    transfer.uploads.all().delete()
    return result


def _tell_record(transfer: Transfer, refused: int) -> None:
    """What was refused on the way in counts as well as what the import refused."""
    record = DatasetImport.objects.get(project=transfer.project, settings__transfer=transfer.pk)
    record.counts["refused"] = refused
    record.save(update_fields=["counts"])


def _laid_out(transfer: Transfer, scratch: Path, tick: Callable[[], None]) -> tuple[LaidOut, int]:
    """The data set, and how many pictures it seems to hold."""
    laid = lay_out(transfer, scratch, tick)
    total = max(1, sum(path.is_file() for path in laid.root.rglob("*"))) if laid.root.is_dir() else 1
    if not any(laid.root.iterdir()):
        write_faults(transfer.folder, [as_entry(fault) for fault in laid.faults], [])
        raise Refused("None of the files can be used; the list says why of each.")
    return laid, total


def _in_words(transfer: Transfer, laid: LaidOut, work: Callable[[], Found]) -> Found:
    """Refusals that speak of folders and flags, as commands do, said in the words of the page."""
    try:
        return work()
    except Refused as refusal:
        write_faults(transfer.folder, [as_entry(fault) for fault in laid.faults], [])
        raise Refused(page_words(str(refusal), laid.root)) from refusal


def _kept(
    transfer: Transfer, laid: LaidOut | None, rejected: list[dict[str, Any]], warnings: list[dict[str, Any]]
) -> dict[str, int]:
    """The list goes to its file, its length into the row."""
    write_faults(transfer.folder, [*(as_entry(fault) for fault in (laid.faults if laid else [])), *rejected], warnings)
    return count_faults(transfer.folder) or {}


def page_words(text: str, root: Path | str) -> str:
    for words, instead in (
        (f" in {root}", ""),
        (str(root), "the upload"),
        (
            "type --radius-px with half the width of a cell in pixels. "
            "(In a project made with --um-per-px half of 14 µm would be taken.)",
            "give the radius of a cell in pixels, or the scale, among the settings of the import.",
        ),
        ("add --mask-kind", "choose their kind among the settings of the import:"),
        ("Import it with --split auto", "Let the splits be drawn anew"),
        ("--oracle", "the share"),
    ):
        text = text.replace(words, instead)
    return text


def _export(transfer: Transfer, actor: Actor, report: Report, tick: Callable[[], None]) -> dict[str, Any]:
    asked = transfer.settings
    snapshot = transfer.snapshot
    if snapshot is None:
        snapshot = freeze_for_export(
            project=transfer.project, split=asked["split"], signed_off=asked["signed_off"], actor=actor, tick=tick
        )
        _note(transfer, snapshot=snapshot)
    name = f"{transfer.pk}/{transfer.project.key}-{asked['format']}.zip"
    done = export_dataset(
        project=transfer.project,
        out=settings.TRANSFERS_DIR / name,
        format=cast(Literal["coco", "voc"], asked["format"]),
        split=asked["split"] or None,
        images=asked["images"],
        snapshot=snapshot,
        actor=actor,
        report=report,
        tick=tick,
    )
    store.share(settings.TRANSFERS_DIR / name)
    _note(transfer, file=name)
    return asdict(done) | {"bytes": (settings.TRANSFERS_DIR / name).stat().st_size}


def _release(transfer: Transfer, actor: Actor, report: Report, tick: Callable[[], None]) -> dict[str, Any]:
    asked = transfer.settings
    made: Snapshot | None = transfer.snapshot or releases_of(transfer.project).filter(name=asked["name"]).first()
    if made is None:
        made = make_release(
            project=transfer.project,
            name=asked["name"],
            notes=asked["notes"],
            split=asked["split"],
            signed_off=asked["signed_off"],
            actor=actor,
            tick=tick,
        )
    _note(transfer, snapshot=made)
    report(1, 1)
    return {"release": made.pk, "counts": made.counts}


def _note(transfer: Transfer, **values: Any) -> None:
    """Keep what this attempt has made, so that the next one goes on from there."""
    mine = Transfer.objects.filter(pk=transfer.pk, attempt=transfer.attempt, state=TransferState.RUNNING)
    if mine.update(**values):
        transfer.refresh_from_db()
