"""Exports: the current readings of a project as COCO or Pascal VOC, counted in and counted out."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from django.conf import settings as config

from annotation import store
from annotation.access import Actor, Permission, require
from annotation.actions.snapshots import FrozenReading, read_snapshot, take_snapshot, tally_of
from annotation.errors import Refused
from annotation.formats.records import ExportField, ExportObject
from annotation.formats.write_coco import write_coco
from annotation.formats.write_voc import write_voc
from annotation.formats.written import Written, manifest
from annotation.models import Cell, Field, Project, ReadingState, Snapshot

Format = Literal["coco", "voc"]
Report = Callable[[int, int], None]
Tick = Callable[[], None]
FORMATS: tuple[Format, ...] = ("coco", "voc")


@dataclass(frozen=True, slots=True)
class Exported:
    """What went in and what came out; equal, or there is no export. `sha256` is the archive's."""

    images: int
    objects_in: int
    objects_out: int
    converted: dict[str, int]
    per_class: dict[str, int]
    per_shape: dict[str, int]
    snapshot: str
    sha256: str


def export_dataset(
    *,
    project: Project,
    out: Path,
    format: Format,  # noqa: A002  # the word people use
    split: str | None = None,
    images: bool = False,
    name: str = "",
    signed_off: bool = False,
    snapshot: Snapshot | None = None,
    actor: Actor = None,
    report: Report | None = None,
    tick: Tick | None = None,
) -> Exported:
    """Write the labelled fields of `project` (of one `split`) into the archive `out`, whole or not at all.

    With `snapshot` exactly what was frozen is written, not what stands there today. Files are called CASE-FIELD;
    original names leave only a project marked public. Fields without labels, and sealed oracle labels, stay at home.
    `report(done, total)` counts fields, then pictures; `tick` is called more often, and stops it by an exception.
    Raises Refused where there is nothing to export or `out` cannot be written.
    """
    require(actor, project, Permission.RUN)
    if snapshot is None:
        snapshot = freeze_for_export(
            project=project, split=split or "", signed_off=signed_off, name=name, actor=actor, tick=tick
        )
    tally = tally_of(snapshot, split or "")
    fields, objects_in = tally.counts["fields"], tally.counts["cells"]
    if not fields:
        raise Refused(_nothing(project, split, signed_off=signed_off))
    watch = _Watch(fields, images, report, tick)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        entries = _fields(project, snapshot, split or "", watch)
        written = _write(part, format, project, entries, images, watch.image)
        with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("manifest.json", manifest(written, objects_in, **_about(project, snapshot, split)))
        part.replace(out)
    except OSError as error:
        raise Refused(f"{out.name} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    with out.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return Exported(
        images=written.images,
        objects_in=objects_in,
        objects_out=written.objects,
        converted=dict(written.converted),
        per_class=dict(written.per_class),
        per_shape=dict(written.per_shape),
        snapshot=snapshot.sha256,
        sha256=sha256,
    )


def freeze_for_export(
    *,
    project: Project,
    split: str = "",
    signed_off: bool = False,
    name: str = "",
    notes: str = "",
    actor: Actor = None,
    tick: Tick | None = None,
) -> Snapshot:
    """Freeze what is labelled today: all of it, one split, or only what a reviewer signed off.

    Raises Refused where there is nothing. While nobody saves meanwhile, what is frozen must be what the table counts.
    """
    fields = Field.objects.filter(project=project)
    if split:
        fields = fields.filter(split=split)
    if signed_off:
        fields = fields.filter(current_reading__state=ReadingState.SIGNED_OFF)
    if not fields.labelled().exists():
        raise Refused(_nothing(project, split, signed_off=signed_off))
    cells = Cell.objects.current().filter(reading__field__in=fields)
    before = cells.count()
    told = None if tick is None else lambda _: tick()
    snapshot = take_snapshot(
        project=project, purpose="export", fields=fields, actor=actor, name=name, notes=notes, told=told
    )
    frozen = snapshot.counts.get("cells", 0)
    if frozen != before and before == cells.count():
        raise ValueError(f"{before} cells are labelled, {frozen} were frozen. Nothing was exported; try again.")
    return snapshot


def _nothing(project: Project, split: str | None, *, signed_off: bool) -> str:
    kind = "signed-off" if signed_off else "labelled"
    return f"{project.key} has no {kind} field{f' in {split}' if split else ''}: there is nothing to export."


class _Watch:
    """Tells how far an export is: one step for the labels of a field, one more for its picture."""

    def __init__(self, fields: int, images: bool, report: Report | None, tick: Tick | None) -> None:
        self._fields, self._total = fields, fields * 2 if images else fields
        self._report, self._tick = report, tick

    def labels(self, done: int) -> None:
        self._tell(done)

    def image(self, done: int) -> None:
        self._tell(self._fields + done)

    def _tell(self, done: int) -> None:
        if self._tick is not None:
            self._tick()
        if self._report is not None:
            self._report(done, self._total)


def _write(
    path: Path,
    format: Format,  # noqa: A002
    project: Project,
    fields: Iterator[ExportField],
    images: bool,
    told: Callable[[int], None],
) -> Written:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if format == "coco":
            classes = dict(project.classes.values_list("number", "name"))
            return write_coco(archive, fields, classes, images=images, told=told)
        return write_voc(archive, fields, images=images, told=told)


def _about(project: Project, snapshot: Snapshot, split: str | None) -> dict[str, Any]:
    return {"project": project.key, "split": split or "all", "snapshot": snapshot.sha256, "ontology": project.ontology}


def _fields(project: Project, snapshot: Snapshot, split: str, watch: _Watch) -> Iterator[ExportField]:
    names = dict(project.classes.values_list("number", "name"))
    original = dict(project.fields.values_list("pk", "original_name")) if project.public else {}
    taken: set[str] = set()
    for done, reading in enumerate(read_snapshot(snapshot, split), start=1):
        yield ExportField(
            name=_file_name(reading, original.get(reading.field, ""), taken),
            width=reading.width,
            height=reading.height,
            objects=[
                ExportObject(cell.number, names[cell.number], cell.shape, cell.uuid, cell.attributes)
                for cell in reading.cells
            ],
            case=reading.case or None,
            slide=reading.slide or None,
            split=reading.split,
            um_per_px=reading.um_per_px,
            exhaustive=reading.exhaustive,
            image=store.fetch(config.IMAGES_DIR / reading.file),
        )
        watch.labels(done)


def _file_name(reading: FrozenReading, original: str, taken: set[str]) -> str:
    """CASE-FIELD with the ending of the stored file; in a public project the original name while it is unique."""
    ending = PurePath(reading.file).suffix
    public = PurePath(original).name
    name = public if public and PurePath(public).stem not in taken else f"{reading.code}{ending}"
    taken.add(PurePath(name).stem)
    return name
