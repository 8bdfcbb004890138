"""Second half of an import: the spool becomes rows, in the caller's transaction."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from annotation.actions.import_gather import SpooledField, SpooledObject, signature
from annotation.actions.import_splits import Plan, case_code
from annotation.actions.projects import ClassFinder
from annotation.actions.readings import choose_current
from annotation.errors import Refused
from annotation.models import (
    Case,
    Cell,
    CellClass,
    DatasetImport,
    Field,
    Project,
    Provenance,
    Reading,
    ReadingState,
    Slide,
    Source,
    Split,
)
from annotation.shapes import Shape

# Fields and objects that are held at once, and rows of one INSERT.
CHUNK, CHUNK_OBJECTS, INSERT = 200, 4000, 1000
Item = TypeVar("Item")


@dataclass(slots=True)
class Stored:
    """What the store did: ids of all fields of the import, how many are in each split, labels that were there."""

    already: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    fields: set[int] = field(default_factory=set)


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def light_chunks(entries: Iterable[SpooledField]) -> Iterator[list[SpooledField]]:
    """Some fields at a time, fewer where they are full of cells: marrow fields hold hundreds."""
    chunk, objects = list[SpooledField](), 0
    for entry in entries:
        chunk.append(entry)
        objects += len(entry.objects)
        if len(chunk) == CHUNK or objects >= CHUNK_OBJECTS:
            yield chunk
            chunk, objects = [], 0
    if chunk:
        yield chunk


class Storer:
    """Writes fields, readings and cells. `project` must be locked; `images` is where the images were brought to;
    `moved` is told of every image file that is new under IMAGES_DIR."""

    def __init__(
        self,
        project: Project,
        record: DatasetImport,
        finder: ClassFinder,
        plan: Plan,
        images: Path,
        moved: list[Path],
        *,
        pool: bool,
        um_per_px: float | None = None,
    ) -> None:
        self.project, self.record, self.finder, self.plan = project, record, finder, plan
        self.images, self.moved, self.pool, self.now = images, moved, pool, timezone.now()
        self.um_per_px = um_per_px
        self.stored = Stored()
        self._cases = dict[str, Case]()
        self._slides = dict[tuple[int, str], Slide]()
        self._new = set[int]()

    def store(self, entries: Iterable[SpooledField], report: Callable[[int], None]) -> Stored:
        done = 0
        for chunk in light_chunks(entries):
            self._store_chunk(chunk)
            done += len(chunk)
            report(done)
        self.project.save(update_fields=["next_field_number"])
        return self.stored

    def _store_chunk(self, entries: list[SpooledField]) -> None:
        fields = self._fields(entries)
        for known in fields.values():
            if known.pk not in self.stored.fields:
                self.stored.fields.add(known.pk)
                self.stored.splits[known.split] += 1
        readings = self._readings(entries, fields)
        self._cells(readings)
        visible = {reading.field_id for reading, _ in readings if reading.state == ReadingState.SUBMITTED}
        latest = Reading.objects.final().filter(field=OuterRef("pk"), imported_by=self.record).order_by("-id")
        Field.objects.filter(pk__in=visible & self._new).update(current_reading=Subquery(latest.values("pk")[:1]))
        # A field that people may have read already goes by the rule of all readings.
        for known in fields.values():
            if known.pk in visible - self._new:
                choose_current(known)

    def _fields(self, entries: list[SpooledField]) -> dict[str, Field]:
        wanted = {entry.sha256: entry for entry in entries}
        found = {known.sha256: known for known in self.project.fields.filter(sha256__in=list(wanted))}
        made = Field.objects.bulk_create([self._field(entry) for sha, entry in wanted.items() if sha not in found])
        self._new.update(field.pk for field in made)
        return found | {field.sha256: field for field in made}

    def _field(self, entry: SpooledField) -> Field:
        if entry.field_id is not None:
            raise Refused(f"The field that {entry.name} means was deleted meanwhile: import again.")
        number = self.project.next_field_number
        self.project.next_field_number = number + 1
        self._bring(entry)
        case = self._case(case_code(entry.case, entry.slide))
        scale = entry.um_per_px or self.um_per_px or self.project.um_per_px
        return Field(
            project=self.project,
            case=case,
            slide=self._slide(case, entry.slide),
            code=f"F{number:05d}",
            sha256=entry.sha256,
            file=entry.file,
            width=entry.width,
            height=entry.height,
            phash=entry.phash,
            um_per_px=scale,
            um_source=self._source_of_scale(entry),
            original_name=entry.name[:300],
            split=self.plan.splits[entry.sha256],
        )

    def _source_of_scale(self, entry: SpooledField) -> str:
        if entry.um_per_px:
            return "file"
        if self.um_per_px:
            return "import"
        return "project" if self.project.um_per_px else ""

    def _bring(self, entry: SpooledField) -> None:
        target: Path = settings.IMAGES_DIR / entry.file
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.images / entry.file).replace(target)
            self.moved.append(target)

    def _case(self, code: str | None) -> Case | None:
        if code is None:
            return None
        if code not in self._cases:
            self._cases[code] = Case.objects.get_or_create(project=self.project, code=code[:80])[0]
        return self._cases[code]

    def _slide(self, case: Case | None, code: str | None) -> Slide | None:
        if case is None or not code:
            return None
        key = (case.pk, code)
        if key not in self._slides:
            self._slides[key] = Slide.objects.get_or_create(case=case, code=code[:80])[0]
        return self._slides[key]

    def _readings(
        self, entries: list[SpooledField], fields: dict[str, Field]
    ) -> list[tuple[Reading, tuple[SpooledObject, ...]]]:
        known = set(
            Reading.objects.filter(field__in=list(fields.values()))
            .exclude(signature="")
            .values_list("field", "signature")
        )
        new = list[tuple[Reading, tuple[SpooledObject, ...]]]()
        for entry in entries:
            if not entry.labelled:
                continue
            where = fields[entry.sha256]
            said = signature((o.kind, o.points, str(self._class(o.label).number), o.attributes) for o in entry.objects)
            if (where.pk, said) in known:
                self.stored.already += len(entry.objects)
                continue
            known.add((where.pk, said))
            new.append((self._reading(entry, where, said), entry.objects))
        Reading.objects.bulk_create([reading for reading, _ in new])
        return new

    def _reading(self, entry: SpooledField, where: Field, said: str) -> Reading:
        sealed = entry.sha256 in self.plan.sealed or (
            self.pool and where.split == Split.TRAINING and where.pk not in self._new
        )
        return Reading(
            field=where,
            author_id=self.record.author_id,
            source=Source.ORACLE if sealed else Source.IMPORTED,
            state=ReadingState.SEALED if sealed else ReadingState.SUBMITTED,
            exhaustive=entry.exhaustive,
            imported_by=self.record,
            signature=said,
            submitted_at=self.now,
        )

    def _class(self, label: str) -> CellClass:
        found = self.finder.find(label)
        if found is None:
            raise LookupError(f"class {label!r} went missing between the two halves of an import")
        return found

    def _cells(self, readings: list[tuple[Reading, tuple[SpooledObject, ...]]]) -> None:
        taken = self._taken(item.uuid for _, objects in readings for item in objects if item.uuid)
        cells = (self._cell(reading, item, taken) for reading, objects in readings for item in objects)
        for chunk in chunks(cells, INSERT):
            Cell.objects.bulk_create(chunk)

    def _taken(self, uuids: Iterable[str]) -> set[uuid.UUID]:
        wanted = [made for made in map(_uuid, uuids) if made]
        taken = set[uuid.UUID]()
        for chunk in chunks(wanted, 500):
            taken.update(Cell.objects.filter(project=self.project, uuid__in=chunk).values_list("uuid", flat=True))
        return taken

    def _cell(self, reading: Reading, item: SpooledObject, taken: set[uuid.UUID]) -> Cell:
        own = _uuid(item.uuid)
        if own is None or own in taken:
            own = uuid.uuid4()
        taken.add(own)
        x0, y0, x1, y1 = Shape(item.kind, tuple(item.points)).bounds  # type: ignore[arg-type]  # a reader's shape
        return Cell(
            uuid=own,
            project=self.project,
            reading=reading,
            cell_class=self._class(item.label),
            kind=item.kind,
            points=list(item.points),
            x0=x0,
            y0=y0,
            x1=x1,
            y1=y1,
            attributes=dict(item.attributes),
            provenance=Provenance.IMPORTED,
            author_id=self.record.author_id,
        )


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
