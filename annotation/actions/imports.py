"""Import a data set: `import_dataset`, the one way in for the command, the pages and the tasks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from annotation import store
from annotation.access import Actor, Permission, require
from annotation.actions.import_cases import CASE_CHOICES, CaseRule
from annotation.actions.import_gather import Gathered, Gatherer, as_entry, spooled
from annotation.actions.import_splits import Plan, check_source, plan_splits
from annotation.actions.import_store import Stored, Storer
from annotation.actions.projects import ClassFinder, add_class
from annotation.archives import opened, scratch_folder
from annotation.errors import Refused
from annotation.formats.records import Fault, FieldRecord, ReadOptions
from annotation.formats.registry import detect, read
from annotation.models import Cell, DatasetImport, Event, Field, Project, Source, Split

FORMATS = ("auto", "coco", "voc", "yolo", "points", "masks", "crops", "images")
SPLIT_CHOICES = ("auto", "source", *Split.values, "pool")
MASK_KINDS = ("instance", "binary", "nucleus_cytoplasm")
# A nucleated cell of the marrow is 12 to 16 µm wide.
CELL_UM = 14.0

Report = Callable[[int, int | None], None]
Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the flags of import_dataset say.

    `radius_px`: of points; without it half of 14 µm where the scale is known. `oracle`: share (0 to 1) of the training
    fields whose labels are kept aside. `exhaustive`: None means yes where there are labels. `case_pattern`: a regular
    expression on the file name with a group `case` and perhaps a group `slide`. `case_by`: one of CASE_CHOICES; `case`
    and `slide` are the codes of all fields where it is `one`. `um_per_px`: of fields whose files bring no scale.
    """

    format: str = "auto"
    radius_px: float | None = None
    split: str = "auto"
    oracle: float = 0.0
    exhaustive: bool | None = None
    create_classes: bool = True
    class_map: Mapping[str, str] = field(default_factory=dict)
    mask_kind: str | None = None
    case_pattern: str | None = None
    seed: int = 0
    case_by: str = "files"
    case: str = ""
    slide: str = ""
    um_per_px: float | None = None

    def rule(self) -> CaseRule:
        """Raises Refused where there is none. A pattern alone says that cases are told by it."""
        by = "pattern" if self.case_by == "files" and self.case_pattern else self.case_by
        return CaseRule(by, self.pattern(), self.case, self.slide)

    def pattern(self) -> re.Pattern[str] | None:
        """Raises Refused where it is no regular expression with a group `case`."""
        if self.case_pattern is None:
            return None
        try:
            compiled = re.compile(self.case_pattern)
        except re.error as error:
            raise Refused(f"The case pattern {self.case_pattern!r} is no regular expression: {error}.") from error
        if "case" not in compiled.groupindex:
            raise Refused(
                f"The case pattern {self.case_pattern!r} has no group (?P<case>...) that says where it stands."
            )
        return compiled


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came in. objects_in = objects_stored + already + the sum of `lost_objects` of `rejected`.

    `images`: distinct images. `objects_stored` holds the oracle labels. `already`: objects whose field had exactly
    these labels before. `unit`: what the draw of splits kept whole. `warnings`: as `rejected`, but nothing was lost.
    """

    import_id: int
    format: str
    images: int
    objects_in: int
    objects_stored: int
    already: int
    oracle: int
    classes: Mapping[str, int]
    splits: Mapping[str, int]
    unit: str
    rejected: list[dict[str, Any]]
    warnings: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def import_dataset(
    *,
    project: Project,
    path: Path,
    options: ImportOptions | None = None,
    actor: Actor = None,
    report: Report | None = None,
    client: str = "",
    transfer: int | None = None,
    tick: Tick | None = None,
) -> ImportReport:
    """Bring a folder or .zip into the project: all of it or, where anything is refused by an exception, nothing.

    Faulty objects are no exceptions: each is named in the report, and the good ones are kept. Importing the same
    again adds nothing. `report(done, total)` is told of the progress in fields; `tick` is called between any two of
    them, also while rows are written, and stops the import by an exception. With `transfer`, its id, the import is done
    once: a second attempt gets what the first one brought. Raises Refused.
    """
    options = options or ImportOptions()
    require(actor, project, Permission.RUN)
    check_options(options)
    if (done := imported_by(project, transfer)) is not None:
        return done
    with scratch_folder(settings.SCRATCH_DIR, "import") as scratch, opened(path, scratch) as root:
        run = ImportRun(project, options, actor, scratch, report or _silent, client, transfer, tick or _no_tick)
        record, gathered = run.gather(path, root)
        if options.split == "source":
            check_source(gathered)
        return run.store(record, gathered)


def imported_by(project: Project, transfer: int | None) -> ImportReport | None:
    """What the import of `transfer` brought, where it is there already."""
    rows = DatasetImport.objects.filter(project=project, settings__transfer=transfer)
    record = None if transfer is None else rows.first()
    if record is None:
        return None
    known = {entry.name for entry in fields(ImportReport)}
    counts = {key: value for key, value in record.counts.items() if key in known}
    return ImportReport(**counts, rejected=record.rejected)


def check_options(options: ImportOptions) -> None:
    """Raises Refused for options that cannot be."""
    for value, choices in (
        (options.case_by, CASE_CHOICES),
        (options.format, FORMATS),
        (options.split, SPLIT_CHOICES),
        (options.mask_kind or "", ("", *MASK_KINDS)),
    ):
        if value not in choices:
            raise Refused(f"{value!r} is none of: {', '.join(filter(None, choices))}.")
    if not 0 <= options.oracle <= 1:
        raise Refused(f"{options.oracle:g} is no share: --oracle takes a number from 0 to 1.")
    if options.radius_px is not None and not 0 < options.radius_px < 10_000:
        raise Refused(f"{options.radius_px:g} px is no radius: give a number above zero.")
    if options.um_per_px is not None and not 0 < options.um_per_px < 100:
        raise Refused(f"{options.um_per_px:g} µm per pixel cannot be: give the width of one pixel, for example 0.086.")
    if options.case_by == "one" and not options.case.strip():
        raise Refused("Give the code of the case that all fields belong to.")
    if options.case_by == "pattern" and not options.case_pattern:
        raise Refused("Give the pattern by which file names tell their case.")
    options.pattern()


def _no_tick() -> None:
    """Nobody stops it."""


def _silent(done: int, total: int | None) -> None:
    """Nobody wants to know."""


def _read(root: Path, fmt: str, options: ReadOptions) -> Iterator[FieldRecord | Fault]:
    try:
        yield from read(root, fmt, options)
    except ValueError as error:
        raise Refused(str(error)) from error


@dataclass(frozen=True, slots=True)
class ImportRun:
    """One import under way: gather (no lock, no rows), then store (one transaction)."""

    project: Project
    options: ImportOptions
    actor: Actor
    scratch: Path
    report: Report
    client: str = ""
    transfer: int | None = None
    tick: Tick = _no_tick

    @property
    def images(self) -> Path:
        return self.scratch / "images"

    @property
    def spool(self) -> Path:
        return self.scratch / "labels.jsonl"

    def gather(self, path: Path, root: Path) -> tuple[DatasetImport, Gathered]:
        options = self.options
        try:
            fmt = detect(root) if options.format == "auto" else options.format
        except ValueError as error:
            raise Refused(str(error)) from error
        read_options = ReadOptions(radius_px=self._radius(fmt), mask_kind=options.mask_kind)
        with self.spool.open("wb") as stream:
            gatherer = Gatherer(
                self.project,
                ClassFinder(self.project, options.class_map),
                store=self.images,
                spool=stream,
                create_classes=options.create_classes,
                exhaustive=options.exhaustive,
                rule=options.rule(),
                root=root,
            )
            for number, item in enumerate(_read(root, fmt, read_options), start=1):
                self.tick()
                gatherer.take(item)
                self.report(number, None)
        said = {"path": str(path), **asdict(options)}
        if self.transfer is not None:
            said |= {"path": "", "transfer": self.transfer}
        return DatasetImport(project=self.project, author_id=self._actor_id, format=fmt, settings=said), gatherer.found

    @property
    def _actor_id(self) -> Any:
        return None if self.actor is None else self.actor.pk

    def _radius(self, fmt: str) -> float | None:
        if self.options.radius_px is not None or fmt != "points":
            return self.options.radius_px
        scale = self.options.um_per_px or self.project.um_per_px
        if scale is None:
            raise Refused(
                "Points need a radius: type --radius-px with half the width of a cell in pixels. "
                "(In a project made with --um-per-px half of 14 µm would be taken.)"
            )
        return CELL_UM / 2 / scale

    def store(self, record: DatasetImport, gathered: Gathered) -> ImportReport:
        total = len(gathered.seen) + len(gathered.known_fields)
        moved = list[Path]()
        store.share_new(settings.IMAGES_DIR, self.images)  # before any lock: it may be another machine
        try:
            with transaction.atomic():
                # Not for the key: people go on saving cells while an import writes for minutes.
                project = Project.objects.select_for_update(no_key=True).get(pk=self.project.pk)
                if (done := imported_by(project, self.transfer)) is not None:
                    return done  # another attempt was not dead, only slow
                options = self.options
                plan = plan_splits(project, gathered, split=options.split, oracle=options.oracle, seed=options.seed)
                for label in gathered.new_labels.values():
                    add_class(project=project, name=label, actor=self.actor, client=self.client)
                project.refresh_from_db()
                record.save()
                finder = ClassFinder(project, options.class_map)
                storer = Storer(
                    project,
                    record,
                    finder,
                    plan,
                    self.images,
                    moved,
                    pool=options.split == "pool",
                    um_per_px=options.um_per_px,
                )
                stored = storer.store(spooled(self.spool), lambda done: self._stored(done, total))
                return self._conclude(record, gathered, plan, stored)
        except BaseException:
            _forget(moved)
            raise

    def _stored(self, done: int, total: int) -> None:
        """A report may be a write to the database, which must not be part of the transaction that is under way."""
        self.tick()
        if self.transfer is None:
            self.report(done, total)

    def _conclude(self, record: DatasetImport, gathered: Gathered, plan: Plan, stored: Stored) -> ImportReport:
        cells = Cell.objects.filter(reading__imported_by=record)
        per_class = cells.values_list("cell_class__key").annotate(Count("id")).order_by("cell_class__number")
        report = ImportReport(
            import_id=record.pk,
            format=record.format,
            images=len(stored.fields),
            objects_in=gathered.objects_in,
            objects_stored=cells.count(),
            already=gathered.already + stored.already,
            oracle=cells.filter(reading__source=Source.ORACLE).count(),
            classes=dict(per_class),
            splits={split: stored.splits[split] for split in Split.values},
            unit=plan.unit,
            rejected=gathered.rejected,
            warnings=gathered.warnings + [as_entry(Fault("", None, text, 0)) for text in plan.warnings],
        )
        kept = report.objects_stored + report.already
        if report.objects_in != kept + gathered.lost:
            raise Refused(
                f"{report.objects_in} objects were read, but {kept} kept and {gathered.lost} rejected: "
                "nothing was stored. This is a fault of the program, please report it with the data set."
            )
        record.counts = {key: value for key, value in report.as_dict().items() if key != "rejected"}
        record.counts["refused"] = len(report.rejected)
        record.rejected = report.rejected
        record.save(update_fields=["counts", "rejected"])
        Event.objects.create(
            project=record.project,
            actor_id=self._actor_id,
            verb="imported",
            after={"import": record.pk, "images": report.images, "objects": report.objects_stored},
            client=self.client,
        )
        return report


def _forget(moved: list[Path]) -> None:
    """Remove image files whose rows were rolled back, unless another project holds the same image."""
    for file in moved:
        if not Field.objects.filter(file=file.relative_to(settings.IMAGES_DIR).as_posix()).exists():
            store.forget(file)
            file.unlink(missing_ok=True)
