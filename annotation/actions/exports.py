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

from annotation.access import Actor, Permission, require
from annotation.actions.snapshots import FrozenReading, read_snapshot, take_snapshot
from annotation.errors import Refused
from annotation.formats.records import ExportField, ExportObject
from annotation.formats.write_coco import write_coco
from annotation.formats.write_voc import write_voc
from annotation.formats.written import Written, manifest
from annotation.models import Cell, Field, Project, Snapshot

Format = Literal["coco", "voc"]
Report = Callable[[int, int], None]
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
    actor: Actor = None,
    report: Report | None = None,
) -> Exported:
    """Write the labelled fields of `project` (of one `split`) into the archive `out`, whole or not at all.

    Files are called CASE-FIELD; original names leave only a project marked public. Fields without labels, and sealed
    oracle labels, stay at home. Raises Refused where there is nothing to export or `out` cannot be written.
    """
    require(actor, project, Permission.RUN)
    fields = Field.objects.filter(project=project)
    if split:
        fields = fields.filter(split=split)
    snapshot = take_snapshot(project=project, purpose="export", fields=fields, actor=actor, name=name)
    count = snapshot.counts.get("fields", 0)
    if not count:
        raise Refused(
            f"{project.key} has no labelled field{f' in {split}' if split else ''}: there is nothing to export."
        )
    objects_in = Cell.objects.current().filter(reading__field__in=fields).count()
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        written = _write(part, format, project, _fields(project, snapshot, count, report), images)
        with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("manifest.json", manifest(written, objects_in, **_about(project, snapshot, split)))
        part.replace(out)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror or error}.") from error
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


def _write(path: Path, format: Format, project: Project, fields: Iterator[ExportField], images: bool) -> Written:  # noqa: A002
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if format == "coco":
            return write_coco(archive, fields, dict(project.classes.values_list("number", "name")), images=images)
        return write_voc(archive, fields, images=images)


def _about(project: Project, snapshot: Snapshot, split: str | None) -> dict[str, Any]:
    return {"project": project.key, "split": split or "all", "snapshot": snapshot.sha256, "ontology": project.ontology}


def _fields(project: Project, snapshot: Snapshot, count: int, report: Report | None) -> Iterator[ExportField]:
    names = dict(project.classes.values_list("number", "name"))
    original = dict(project.fields.values_list("pk", "original_name")) if project.public else {}
    taken: set[str] = set()
    for done, reading in enumerate(read_snapshot(snapshot), start=1):
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
            image=config.IMAGES_DIR / reading.file,
        )
        if report is not None:
            report(done, count)


def _file_name(reading: FrozenReading, original: str, taken: set[str]) -> str:
    """CASE-FIELD with the ending of the stored file; in a public project the original name while it is unique."""
    ending = PurePath(reading.file).suffix
    public = PurePath(original).name
    name = public if public and PurePath(public).stem not in taken else f"{reading.code}{ending}"
    taken.add(PurePath(name).stem)
    return name
