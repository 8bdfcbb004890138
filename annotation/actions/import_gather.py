"""First half of an import: read everything once, keep the images beside the store, write the labels to a spool.

Nothing is in the database yet when this ends, so refusing costs nothing, and no lock was held while images were
decoded. Memory: a few hundred bytes per image.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson
from django.conf import settings

from annotation.actions.import_cases import CaseRule
from annotation.actions.projects import ClassFinder
from annotation.formats.check import image_missing, sift
from annotation.formats.records import Fault, FieldRecord, ObjectRecord
from annotation.imaging import RefusedImage, ingest
from annotation.labels import normal
from annotation.models import Field, Project

# Formats write coordinates with different rounding; closer than this two labels are the same.
SIGNATURE_DIGITS = 1


@dataclass(frozen=True, slots=True)
class SpooledObject:
    """`label` as the file says it: its class is looked up again once new classes have their numbers."""

    kind: str
    points: tuple[float, ...]
    label: str
    attributes: Mapping[str, Any]
    uuid: str | None


@dataclass(frozen=True, slots=True)
class SpooledField:
    """One image, or labels for the field `field_id`. `file` is relative to the folder the images were brought to."""

    sha256: str
    name: str
    file: str
    width: int
    height: int
    phash: str
    um_per_px: float | None
    case: str | None
    slide: str | None
    labelled: bool
    exhaustive: bool
    objects: tuple[SpooledObject, ...]
    field_id: int | None = None


@dataclass(slots=True)
class Seen:
    """What is remembered of an image until the splits are drawn."""

    name: str
    phash: str
    case: str | None
    slide: str | None
    source_splits: dict[str, str]
    counts: Counter[str]
    signature: str | None


@dataclass(slots=True)
class Gathered:
    """What pass one found. `seen` by sha256; `new_labels` in the order they came; faults as plain dictionaries."""

    seen: dict[str, Seen] = field(default_factory=dict)
    known_fields: set[int] = field(default_factory=set)
    new_labels: dict[str, str] = field(default_factory=dict)
    objects_in: int = 0
    lost: int = 0
    already: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, fault: Fault) -> None:
        self.lost += fault.lost_objects
        self.rejected.append(as_entry(fault))


def as_entry(fault: Fault) -> dict[str, Any]:
    return {"file": fault.file, "index": fault.index, "reason": fault.reason, "lost_objects": fault.lost_objects}


def signature(objects: Iterable[tuple[str, Iterable[float], str, Mapping[str, Any]]]) -> str:
    """Hash of a field's labels (kind, points, class, attributes), whatever their order and the format they came in."""
    lines = sorted(
        orjson.dumps(
            [
                str(label),
                kind,
                [round(float(value), SIGNATURE_DIGITS) + 0.0 for value in points],
                {key: value for key, value in attributes.items() if value},
            ],
            option=orjson.OPT_SORT_KEYS,
        )
        for kind, points, label, attributes in objects
    )
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def spooled(spool: Path) -> Iterator[SpooledField]:
    """The fields that a Gatherer wrote, one at a time."""
    with spool.open("rb") as stream:
        for line in stream:
            values = orjson.loads(line)
            values["objects"] = tuple(SpooledObject(**item) for item in values["objects"])
            yield SpooledField(**values)


class Gatherer:
    """Takes what a reader yields, item by item. `store` is the folder that images are brought to."""

    def __init__(
        self,
        project: Project,
        finder: ClassFinder,
        *,
        store: Path,
        spool: IO[bytes],
        create_classes: bool,
        exhaustive: bool | None,
        rule: CaseRule,
        root: Path | None = None,
    ) -> None:
        self.project, self.finder, self.store, self.spool = project, finder, store, spool
        self.create_classes, self.exhaustive, self.rule = create_classes, exhaustive, rule
        self.root = root.resolve() if root else None
        self.found = Gathered()
        self._fields: KnownFields | None = None

    def take(self, item: FieldRecord | Fault) -> None:
        if isinstance(item, Fault):
            self.found.objects_in += item.lost_objects
            self.found.reject(item)
            return
        self.found.objects_in += len(item.objects) + sum(fault.lost_objects for fault in item.faults)
        taken = self._take_labels(item) if item.image is None else self._take_image(item, item.image)
        for fault in item.faults:
            if taken and not fault.lost_objects and fault.file == item.source and not item.labelled:
                self.found.warnings.append(as_entry(fault))
            else:
                self.found.reject(fault)

    def _take_image(self, record: FieldRecord, image: Path) -> bool:
        try:
            stored = ingest(image, self.store, settings.MAX_MEGAPIXELS)
        except (RefusedImage, OSError) as refusal:
            self.found.reject(Fault(record.source, None, f"{record.name}: {refusal}", len(record.objects)))
            return False
        objects = self._good(record, stored.width, stored.height)
        case, slide = self._case_and_slide(record)
        entry = SpooledField(
            sha256=stored.sha256,
            name=record.name,
            file=stored.path,
            width=stored.width,
            height=stored.height,
            phash=f"{stored.phash:016x}",
            um_per_px=record.um_per_px,
            case=case,
            slide=slide,
            labelled=record.labelled,
            exhaustive=self._exhaustive(record),
            objects=objects,
        )
        if self._is_news(record, entry):
            self._write(entry)
        return True

    def _take_labels(self, record: FieldRecord) -> bool:
        """Labels without their image: for a field that the project has already."""
        if self._fields is None:
            self._fields = KnownFields(self.project)
        field_id, problem = self._fields.find(record.name)
        if field_id is None:
            fault = (
                image_missing(record) if problem is None else Fault(record.source, None, problem, len(record.objects))
            )
            self.found.reject(fault)
            return False
        if field_id in self.found.known_fields:
            reason = f"a second label file for the field that {record.name} means"
            self.found.reject(Fault(record.source, None, reason, len(record.objects)))
            return False
        self.found.known_fields.add(field_id)
        known = Field.objects.get(pk=field_id)
        self._write(
            SpooledField(
                sha256=known.sha256,
                name=record.name,
                file="",
                width=known.width,
                height=known.height,
                phash=known.phash,
                um_per_px=None,
                case=None,
                slide=None,
                labelled=record.labelled,
                exhaustive=self._exhaustive(record),
                objects=self._good(record, known.width, known.height),
                field_id=field_id,
            )
        )
        return True

    def _exhaustive(self, record: FieldRecord) -> bool:
        if self.exhaustive is not None:
            return self.exhaustive
        return record.exhaustive if record.exhaustive is not None else record.labelled

    def _good(self, record: FieldRecord, width: int, height: int) -> tuple[SpooledObject, ...]:
        good, faults = sift(record, width, height)
        for fault in faults:
            self.found.reject(fault)
        kept = []
        for item in good:
            problem = self._problem_of_class(item)
            if problem:
                self.found.reject(Fault(record.source, item.index, problem))
            else:
                shape = item.shape
                kept.append(SpooledObject(shape.kind, shape.points, item.label, item.attributes, item.uuid))
        return tuple(kept)

    def _problem_of_class(self, item: ObjectRecord) -> str | None:
        if self.finder.refuses(item.label):
            return f"class {item.label!r} is refused by the class map"
        if self.finder.find(item.label):
            return None
        if not self.create_classes:
            return f"unknown class {item.label!r}"
        self.found.new_labels.setdefault(normal(item.label), item.label)
        return None

    def _class_of(self, label: str) -> str:
        known = self.finder.find(label)
        return known.key if known else f"new {normal(label)}"

    def _case_and_slide(self, record: FieldRecord) -> tuple[str | None, str | None]:
        """What the file itself says comes first."""
        case, slide = self.rule.find(record.name, self._place(record))
        if case is None and record.case is None and (complaint := self.rule.complaint(record.name)):
            self.found.warnings.append(as_entry(Fault(record.source, None, complaint, 0)))
        return record.case or case, record.slide or slide

    def _place(self, record: FieldRecord) -> str:
        """Where the picture lies within the data set."""
        image = record.image
        if image is None or self.root is None or not image.is_relative_to(self.root):
            return record.source
        return image.relative_to(self.root).as_posix()

    def _is_news(self, record: FieldRecord, entry: SpooledField) -> bool:
        """Remember the image; False when its twin of the same bytes has said all there is to say."""
        found, mine = self.found, self._signature(entry) if entry.labelled else None
        seen = found.seen.get(entry.sha256)
        first = seen is None
        if seen is None:
            seen = Seen(entry.name, entry.phash, entry.case, entry.slide, {}, Counter(), None)
            found.seen[entry.sha256] = seen
        self._note_split(seen, record)
        if not first and mine and seen.signature and mine != seen.signature:
            reason = f"{record.name} is the same image as {seen.name}, whose labels differ and are kept"
            found.reject(Fault(record.source, None, reason, len(entry.objects)))
            return False
        if not first:
            reason = f"{record.name} is the same image as {seen.name}: both are one field"
            found.warnings.append(as_entry(Fault(record.source, None, reason, 0)))
            if mine is None or mine == seen.signature:
                found.already += len(entry.objects)
                return False
        if mine:
            seen.signature = mine
            seen.counts.update(self._class_of(item.label) for item in entry.objects)
        return True

    def _signature(self, entry: SpooledField) -> str:
        return signature(
            (item.kind, item.points, self._class_of(item.label), item.attributes) for item in entry.objects
        )

    def _note_split(self, seen: Seen, record: FieldRecord) -> None:
        for split in (*record.overlap, *([record.split] if record.split else [])):
            seen.source_splits.setdefault(split, record.name)

    def _write(self, entry: SpooledField) -> None:
        self.spool.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))


class KnownFields:
    """Fields of a project by public name, code, original name, or either without its ending."""

    def __init__(self, project: Project) -> None:
        self._ids = dict[str, set[int]]()
        for known in project.fields.select_related("case").iterator():
            for name in (known.public_name, known.code, known.original_name):
                for key in {name.casefold(), Path(name).stem.casefold()} - {""}:
                    self._ids.setdefault(key, set()).add(known.pk)

    def find(self, name: str) -> tuple[int | None, str | None]:
        """Its id, or why it is not clear; twice None when there is no such field."""
        plain = Path(name).name.casefold()
        for key in (plain, Path(plain).stem):
            ids = self._ids.get(key, set())
            if len(ids) == 1:
                return next(iter(ids)), None
            if ids:
                return None, f"{len(ids)} fields of the project are called {name}"
        return None, None
