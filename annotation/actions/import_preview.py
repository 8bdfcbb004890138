"""What an import would bring, found by doing its first half and then nothing: no rows, no images in the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from annotation.access import Actor, Permission, require
from annotation.actions.import_gather import Gathered, SpooledField, as_entry, signature, spooled
from annotation.actions.import_splits import Plan, case_code, check_source, plan_splits
from annotation.actions.import_store import chunks
from annotation.actions.imports import ImportOptions, ImportRun, Report, Tick, check_options
from annotation.actions.projects import ClassFinder
from annotation.archives import opened, scratch_folder
from annotation.formats.records import Fault
from annotation.labels import normal
from annotation.models import Project, Reading, Split

# More classes or cases than a person reads.
SHOWN = 300


@dataclass(frozen=True, slots=True)
class FoundClass:
    """A label as the files say it. `key` and `name` are of the class it maps to, empty where there is none yet;
    `becomes` says what an import would do: mapped, new or refused."""

    label: str
    objects: int
    shapes: Mapping[str, int]
    key: str
    name: str
    becomes: str


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What would come in. `known`: images that are fields already; `already`: objects that their fields have already.

    `splits` are those of the new fields. `cases`: code and number of images, the largest first.
    """

    format: str
    images: int
    new_fields: int
    known: int
    labels_only: int
    labelled: int
    objects: int
    already: int
    refused_objects: int
    shapes: Mapping[str, int]
    classes: list[FoundClass]
    more_classes: int
    splits: Mapping[str, int]
    sealed: int
    unit: str
    cases: list[tuple[str, int]]
    case_count: int
    without_case: int
    rejected: list[dict[str, Any]]
    warnings: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def preview_dataset(
    *,
    project: Project,
    path: Path,
    options: ImportOptions,
    actor: Actor,
    report: Report,
    tick: Tick,
) -> ImportPreview:
    """Read all of `path` as an import would, images included, and say what it holds. Raises Refused as that does."""
    require(actor, project, Permission.RUN)
    check_options(options)
    # Labels that the map refuses, and unknown ones, are counted here all the same, so that the map can be mended.
    wide = replace(
        options, create_classes=True, class_map={label: key for label, key in options.class_map.items() if key}
    )
    with scratch_folder(settings.SCRATCH_DIR, "preview") as scratch, opened(path, scratch) as root:
        run = ImportRun(project, wide, actor, scratch, report, tick=tick)
        record, gathered = run.gather(path, root)
        if options.split == "source":
            check_source(gathered)
        plan = plan_splits(project, gathered, split=options.split, oracle=options.oracle, seed=options.seed)
        tally = _Tally(project, ClassFinder(project, wide.class_map))
        for chunk in chunks(spooled(run.spool), 200):
            tick()
            tally.take(chunk)
    return _preview(record.format, gathered, plan, tally, _Classes(project, options))


class _Tally:
    """Counts of what the spool holds: by label and shape, and what the project has already."""

    def __init__(self, project: Project, finder: ClassFinder) -> None:
        self.project, self.finder = project, finder
        self.by_label = dict[str, Counter[str]]()
        self.labels = dict[str, str]()
        self.shapes = Counter[str]()
        self.labelled = 0
        self.already = 0

    def take(self, entries: list[SpooledField]) -> None:
        for entry in entries:
            self.labelled += entry.labelled
            for item in entry.objects:
                label = self.labels.setdefault(normal(item.label), item.label)
                self.by_label.setdefault(label, Counter())[item.kind] += 1
                self.shapes[item.kind] += 1
        self._count_known([entry for entry in entries if entry.labelled])

    def _count_known(self, entries: Iterable[SpooledField]) -> None:
        wanted = {entry.sha256: entry for entry in entries}
        rows = Reading.objects.filter(field__project=self.project, field__sha256__in=list(wanted))
        for sha, theirs in rows.exclude(signature="").values_list("field__sha256", "signature"):
            entry = wanted[sha]
            classes = [self.finder.find(item.label) for item in entry.objects]
            mine = signature(
                (item.kind, item.points, str(found.number if found else item.label), item.attributes)
                for item, found in zip(entry.objects, classes, strict=True)
            )
            self.already += len(entry.objects) if mine == theirs else 0


class _Classes:
    """What becomes of a label under the options that were asked for."""

    def __init__(self, project: Project, options: ImportOptions) -> None:
        self.finder, self.options = ClassFinder(project, options.class_map), options

    def found(self, label: str, shapes: Counter[str]) -> FoundClass:
        known = self.finder.find(label)
        refused = self.finder.refuses(label) or (known is None and not self.options.create_classes)
        return FoundClass(
            label=label,
            objects=shapes.total(),
            shapes=dict(shapes),
            key=known.key if known else "",
            name=known.name if known else "",
            becomes="refused" if refused else "mapped" if known else "new",
        )


def _preview(fmt: str, gathered: Gathered, plan: Plan, tally: _Tally, classes: _Classes) -> ImportPreview:
    found = sorted(
        (classes.found(label, shapes) for label, shapes in tally.by_label.items()),
        key=lambda entry: (-entry.objects, entry.label),
    )
    cases = Counter(case_code(seen.case, seen.slide) for seen in gathered.seen.values())
    without = cases.pop(None, 0)
    warnings = gathered.warnings + [as_entry(Fault("", None, text, 0)) for text in plan.warnings]
    return ImportPreview(
        format=fmt,
        images=len(gathered.seen),
        new_fields=len(plan.splits),
        known=len(gathered.seen) - len(plan.splits),
        labels_only=len(gathered.known_fields),
        labelled=tally.labelled,
        objects=tally.shapes.total(),
        already=tally.already + gathered.already,
        refused_objects=sum(entry.objects for entry in found if entry.becomes == "refused"),
        shapes=dict(tally.shapes),
        classes=found[:SHOWN],
        more_classes=max(0, len(found) - SHOWN),
        splits={split: sum(where == split for where in plan.splits.values()) for split in Split.values},
        sealed=len(plan.sealed),
        unit=plan.unit,
        cases=[(str(code), number) for code, number in cases.most_common(SHOWN)],
        case_count=len(cases),
        without_case=without,
        rejected=gathered.rejected,
        warnings=warnings,
    )
