"""How many fields are done and how many cells of each class are labelled: the figures of a whole project.

Cells of a reading change only while it is open, and then it is not current. So the counts of a split hold as long as
its current readings are the same ones, submitted when they were. They are kept until then, because counting 500,000
cells takes a fifth of a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.core.cache import cache
from django.db.models import Count, Max, Q, Sum

from annotation.models import Project, ReadingState, Split

KEPT_SECONDS = 24 * 3600
FIGURES = ("fields", "labelled", "exhaustive", "signed_off", "cases", "labelled_cases")


@dataclass(frozen=True, slots=True)
class SplitTally:
    """One split. `cells` by class pk."""

    split: str
    fields: int
    labelled: int
    exhaustive: int
    signed_off: int
    cases: int
    labelled_cases: int
    cells: Mapping[int, int]

    @property
    def objects(self) -> int:
        return sum(self.cells.values())

    @property
    def label(self) -> str:
        return Split(self.split).label


@dataclass(frozen=True, slots=True)
class Tally:
    """A project, split by split, in the order of Split."""

    splits: tuple[SplitTally, ...]

    @property
    def whole(self) -> SplitTally:
        """All splits together. No case is in two."""
        cells = sum((Counter(part.cells) for part in self.splits), Counter[int]())
        return SplitTally(
            split="", cells=cells, **{name: sum(getattr(part, name) for part in self.splits) for name in FIGURES}
        )

    def of(self, split: str) -> SplitTally:
        return next(part for part in self.splits if part.split == split)


def tally_fields(project: Project) -> Tally:
    """The fields alone, without their cells: cheap."""
    return Tally(tuple(part for part, _ in _fields(project)))


def tally(project: Project) -> Tally:
    """Fields and cells."""
    return Tally(tuple(replace(part, cells=_cells(project, part, stamp)) for part, stamp in _fields(project)))


def _fields(project: Project) -> list[tuple[SplitTally, str]]:
    """Each split, with a stamp that changes whenever one of its current readings does."""
    rows = project.fields.order_by().values_list("split")
    counted = rows.annotate(
        fields_=Count("pk"),
        labelled_=Count("current_reading"),
        exhaustive_=Count("pk", filter=Q(current_reading__exhaustive=True)),
        signed_off_=Count("pk", filter=Q(current_reading__state=ReadingState.SIGNED_OFF)),
        cases_=Count("case", distinct=True),
        labelled_cases_=Count("case", distinct=True, filter=Q(current_reading__isnull=False)),
        total_=Sum("current_reading_id"),
        newest_=Max("current_reading__created_at"),
        latest_=Max("current_reading__submitted_at"),
    )
    found = {split: figures for split, *figures in counted}
    parts = list[tuple[SplitTally, str]]()
    for split in Split.values:
        *figures, total, newest, latest = found.get(split, [0] * 9)
        part = SplitTally(split=split, cells={}, **dict(zip(FIGURES, figures, strict=True)))
        parts.append((part, f"{part.labelled}:{total}:{newest}:{latest}"))
    return parts


def _cells(project: Project, part: SplitTally, stamp: str) -> Mapping[int, int]:
    if not part.labelled:
        return {}
    key = f"tally:{project.pk}:{part.split}"
    kept = cache.get(key)
    if kept is not None and kept[0] == stamp:
        return kept[1]  # type: ignore[no-any-return]  # what was put there below
    counts = project.fields.filter(split=part.split).count_cells()
    cache.set(key, (stamp, counts), KEPT_SECONDS)
    return counts
