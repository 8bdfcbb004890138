"""What a round would learn from if it began now: fields, cells, what is too little, and what that leads to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Q

from annotation.models import BatchField, CellClass, Field, Project, Split
from annotation.tallies import Tally, tally
from learning.exchange import NO_CLAIM, plan_counted
from learning.gate import MIN_CASES, MIN_CELLS
from learning.settings import RoundSettings

HELD_OUT = (Split.VALIDATION, Split.TUNING, Split.TEST)


@dataclass(frozen=True, slots=True)
class Learned:
    """A class with labelled training cells: learned as itself, as `onto`, as background, or not at all."""

    cell_class: CellClass
    cells: int
    missing: int
    onto: str

    @property
    def alone(self) -> bool:
        return not self.onto


@dataclass(frozen=True, slots=True)
class SplitMaterial:
    split: str
    fields: int
    exhaustive: int
    partly: int
    cases: int
    cells: int
    lacking: int


@dataclass(frozen=True, slots=True)
class Material:
    """`warnings` are sentences for people, the gravest first."""

    splits: tuple[SplitMaterial, ...]
    classes: tuple[Learned, ...]
    pool: int
    warnings: tuple[str, ...]

    @property
    def training(self) -> SplitMaterial:
        return self.splits[0]

    @property
    def learned(self) -> int:
        """How many classes the teacher will tell apart."""
        return sum(row.alone for row in self.classes)


def material_of(project: Project, settings: RoundSettings) -> Material:
    counts = tally(project)
    rows = {row.pk: row for row in project.classes.all()}
    cells = _training_cells(project, counts)
    classes = tuple(_learned(project, rows, cells, settings))
    splits = tuple(_split(project, counts, split, cells) for split in Split.values)
    training = counts.of(Split.TRAINING)
    pool = training.fields - training.labelled
    warnings = tuple(_warnings(project, splits, classes, pool, settings))
    return Material(splits, classes, pool, warnings)


def _training_cells(project: Project, counts: Tally) -> dict[int, int]:
    """Cells by class pk on exhaustive training fields, the only ones that are learned from."""
    training = counts.of(Split.TRAINING)
    if training.exhaustive == training.labelled:
        return dict(training.cells)
    return dict(Field.objects.filter(project=project, split=Split.TRAINING).exhaustive().count_cells())


def _split(project: Project, counts: Tally, split: str, training_cells: dict[int, int]) -> SplitMaterial:
    part = counts.of(split)
    wanted = project.min_labelled if split in HELD_OUT else 0
    return SplitMaterial(
        split=split,
        fields=part.fields,
        exhaustive=part.exhaustive,
        partly=part.labelled - part.exhaustive,
        cases=_cases(project, split) if split == Split.TUNING else part.cases,
        cells=sum(training_cells.values()) if split == Split.TRAINING else part.objects,
        lacking=max(0, min(wanted, part.fields) - part.labelled),
    )


def _cases(project: Project, split: str) -> int:
    """Cases of the fields that are measured on; a field without one counts as a case, as it does at the gate."""
    fields = Field.objects.filter(project=project, split=split).exhaustive().order_by()
    found = fields.aggregate(cases=Count("case", distinct=True), without=Count("pk", filter=Q(case=None)))
    return int(found["cases"]) + int(found["without"])


def _learned(
    project: Project, rows: dict[int, CellClass], cells: dict[int, int], settings: RoundSettings
) -> Iterator[Learned]:
    counts = Counter({rows[pk].number: count for pk, count in cells.items()})
    plan = plan_counted(project, counts, min_cells=settings.min_cells, artefacts=settings.artefacts)
    by_number = {row.number: row for row in rows.values()}
    for number, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        row, output = by_number[number], plan.output[number]
        if output is None:
            onto = "background"
        elif output == NO_CLAIM:
            onto = "nothing: unsure cells make no claim" if row.kind == "unsure" else "nothing"
        else:
            onto = "" if plan.numbers[output] == number else by_number[plan.numbers[output]].name
        yield Learned(row, count, max(0, settings.min_cells - count) if onto else 0, onto)


def _warnings(
    project: Project,
    splits: tuple[SplitMaterial, ...],
    classes: tuple[Learned, ...],
    pool: int,
    settings: RoundSettings,
) -> Iterator[str]:
    training, tuning = splits[0], next(part for part in splits if part.split == Split.TUNING)
    if not training.exhaustive:
        yield (
            "No training field is labelled exhaustively, so no teacher can be trained. "
            "The round only chooses a batch to label."
        )
    elif not any(row.alone for row in classes):
        yield "The labelled training fields hold no cell to learn, so no teacher can be trained."
    if training.partly:
        yield (
            f"{_many(training.partly, 'labelled training field')} {_are(training.partly)} not exhaustive and left out: "
            "elsewhere an unlabelled cell would be learned as background."
        )
    lacking = [f"{part.split} {part.lacking}" for part in splits if part.lacking]
    if lacking:
        yield (
            f"Labelled fields are missing to measure with ({', '.join(lacking)}). Until they are there the batch is "
            "drawn at random over all splits."
        )
    if training.exhaustive and (tuning.cases < MIN_CASES or tuning.cells < MIN_CELLS):
        yield (
            f"The gate will see little: tuning holds {_many(tuning.cases, 'case')} and {_many(tuning.cells, 'cell')}, "
            f"a comparison takes {MIN_CASES} and {MIN_CELLS}. Any model that finds something will pass."
        )
    yield from _about_batch(project, pool, settings, drawn_at_random=bool(lacking))


def _about_batch(project: Project, pool: int, settings: RoundSettings, *, drawn_at_random: bool) -> Iterator[str]:
    if not drawn_at_random and pool < settings.budget:
        yield f"The pool holds {_many(pool, 'field')}, fewer than the {settings.budget} that are asked for."
    waiting = BatchField.objects.waiting().filter(batch__project=project).count()
    if waiting:
        yield (
            f"{_many(waiting, 'field')} of the open batch {_are(waiting)} not labelled yet. People can go on with it "
            "until the new one goes out; what is unlabelled then returns to the pool."
        )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
