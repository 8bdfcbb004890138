"""A model's stored figures as tables and curves for a page. Pure, and patient with reports that older code has left.

What a report does not hold is None here, and the page says "not measured at that time".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from learning.figures.lines import Axis, LineChart, Series, line_chart

SPLITS = ("tuning", "test")
MEASURES = ("ap50", "f1", "precision", "recall")
MEASURE_WORDS = {"ap50": "AP50", "f1": "F1", "precision": "Precision", "recall": "Recall"}
COUNTS = ("truths", "cases", "tp", "fp", "fn")
# With fewer true cells of a class than this, its figures could be anything.
FEW_CELLS = 30
FEW_CASES = 10
# More lines than this in one chart cannot be told apart.
MOST_CURVES = 6
SHADES = 8
FALSE_ALARM, MISSED = "false alarm", "missed"

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval (None: cannot be told), and of how many cases it is."""

    value: float | None
    ends: Sequence[float] | None = None
    cases: int = 0

    @property
    def words(self) -> str:
        return "n/a" if self.value is None else f"{self.value:.3f}"

    @property
    def range(self) -> str:
        return f"{self.ends[0]:.2f} to {self.ends[1]:.2f}" if self.ends else ""

    @property
    def few(self) -> bool:
        return self.value is not None and self.cases < FEW_CASES


@dataclass(frozen=True, slots=True)
class Row:
    """One class. `few`: too few cells for its figures to tell anything. `cases` is None where it was not counted."""

    key: str
    name: str
    counts: dict[str, int | None]
    figures: dict[str, Figure]

    @property
    def few(self) -> bool:
        return (self.counts["truths"] or 0) < FEW_CELLS


@dataclass(frozen=True, slots=True)
class Column:
    """`query` is what the link asks for that sorts by it; `sorted` is "ascending", "descending" or empty."""

    name: str
    words: str
    query: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def headline(report: Report | None) -> dict[str, Figure]:
    """AP50, F1, precision and recall over all classes."""
    if not report:
        return {}
    ends, cases = report.get("intervals") or {}, report.get("cases") or 0
    return {name: Figure(report.get(name), ends.get(name), cases) for name in MEASURES}


def table(report: Report | None, names: Mapping[str, str], sort: str) -> Table | None:
    """The classes, those with most cells first, or sorted by a column: "ap50" rising, "-ap50" falling."""
    if not report or not report.get("per_class"):
        return None
    rows = [_row(key, values, names) for key, values in report["per_class"].items()]
    wanted, falling = sort.removeprefix("-"), sort.startswith("-")
    if wanted not in ("name", *COUNTS, *MEASURES):
        wanted, falling = "truths", True
    # what is not known stands last either way
    known = [row for row in rows if _value(row, wanted) is not None]
    known.sort(key=lambda row: _value(row, wanted), reverse=falling)  # type: ignore[arg-type, return-value]  # none is None
    return Table(tuple(_columns(wanted, falling)), (*known, *(row for row in rows if _value(row, wanted) is None)))


def _row(key: str, values: Report, names: Mapping[str, str]) -> Row:
    ends = values.get("intervals") or {}
    cases = values.get("cases")
    figures = {name: Figure(values.get(name), ends.get(name), cases or 0) for name in MEASURES}
    return Row(key, names.get(key, key), {name: values.get(name) for name in COUNTS}, figures)


def _value(row: Row, column: str) -> float | str | None:
    if column == "name":
        return row.name.casefold()
    return row.counts[column] if column in row.counts else row.figures[column].value


def _columns(wanted: str, falling: bool) -> Iterable[Column]:
    words = {"name": "Class", "truths": "Cells", "cases": "Cases", "tp": "Right", "fp": "Wrong", "fn": "Not found"}
    for name in ("name", *COUNTS, *MEASURES):
        here = name == wanted
        # numbers are asked for largest first, names from A
        turned = f"-{name}" if (not falling if here else name != "name") else name
        state = ("descending" if falling else "ascending") if here else ""
        yield Column(name, words.get(name) or MEASURE_WORDS[name], turned, state)


@dataclass(frozen=True, slots=True)
class Curves:
    """The chart, and all classes that have a curve: (key, name, whether it is drawn)."""

    chart: LineChart
    classes: tuple[tuple[str, str, bool], ...]


def curves(report: Report | None, names: Mapping[str, str], wanted: Sequence[str]) -> Curves | None:
    """Precision at each recall: of the classes that are `wanted`, else of those with most cells."""
    known: Mapping[str, Sequence[float]] = (report or {}).get("curves") or {}
    if not known or report is None:
        return None
    counts = {key: (report.get("per_class") or {}).get(key, {}).get("truths") or 0 for key in known}
    by_size = sorted(known, key=lambda key: -counts[key])
    drawn = [key for key in by_size if key in wanted][:MOST_CURVES] or by_size[:MOST_CURVES]
    series = [Series(names.get(key, key), _points(known[key])) for key in drawn]
    chart = line_chart("Each class", series, x=Axis("Recall", 0, 1), y=Axis("Precision", 0, 1))
    return Curves(chart, tuple((key, names.get(key, key), key in drawn) for key in by_size))


def _points(curve: Sequence[float]) -> list[tuple[float, float | None]]:
    """Beyond the recall that is reached there is no precision."""
    last = max((at for at, value in enumerate(curve) if value), default=-1)
    steps = max(1, len(curve) - 1)
    return [(at / steps, value if at <= last else None) for at, value in enumerate(curve)]


@dataclass(frozen=True, slots=True)
class Place:
    """One field of the matrix. `shade`: 0 to SHADES by its share of the row. `query` leads to the errors, if any."""

    count: int
    share: str
    shade: int
    right: bool
    query: str
    words: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """`columns`: (key, name) of what was found; `rows`: key, name, total, and the places."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str, int, tuple[Place, ...]], ...]


def confusion(report: Report | None, names: Mapping[str, str]) -> Matrix | None:
    """The confusion matrix without the classes that neither occur nor were found."""
    mixed = (report or {}).get("confusion")
    if not mixed:
        return None
    truth, found, counts = mixed["truth"], mixed["found"], mixed["counts"]
    kept = [i for i in range(len(truth) - 1) if sum(counts[i]) or sum(row[i] for row in counts)]
    places = [*kept, len(truth) - 1]
    rows = []
    for i in places:
        total = sum(counts[i])
        line = tuple(_place(counts[i][j], total, truth[i], found[j], i == j, names) for j in places)
        rows.append((truth[i], names.get(truth[i], truth[i]), total, line))
    return Matrix(tuple((found[j], names.get(found[j], found[j])) for j in places), tuple(rows))


def cell_confusion(report: Report | None, classes: Sequence[str], names: Mapping[str, str]) -> Matrix | None:
    """The same for single cells (models_zoo.classifier.judging): none is missed there, and no alarm false."""
    counts = (report or {}).get("confusion")
    if not counts:
        return None
    kept = [i for i in range(len(classes)) if sum(counts[i]) or sum(row[i] for row in counts)]
    keys = [classes[i] for i in kept]
    rows = [
        (key, names.get(key, key), sum(counts[i]), tuple(_cell_place(counts[i], i, j, classes, names) for j in kept))
        for i, key in zip(kept, keys, strict=True)
    ]
    return Matrix(tuple((key, names.get(key, key)) for key in keys), tuple(rows))


def _cell_place(line: Sequence[int], i: int, j: int, classes: Sequence[str], names: Mapping[str, str]) -> Place:
    place = _place(line[j], sum(line), classes[i], classes[j], i == j, names)
    return replace(place, query=place.query.removeprefix("kind=confused&"))


def _place(count: int, total: int, truth: str, found: str, right: bool, names: Mapping[str, str]) -> Place:
    share = count / total if total else 0.0
    shade = min(SHADES, round(share * SHADES + 0.49)) if count else 0
    if truth == FALSE_ALARM:
        query, words = f"kind=false-alarm&found={found}", f"{names.get(found, found)} found where no cell is"
    elif found == MISSED:
        query, words = f"kind=missed&truth={truth}", f"{names.get(truth, truth)} missed"
    else:
        query = f"kind=confused&truth={truth}&found={found}"
        words = f"{names.get(truth, truth)} taken for {names.get(found, found)}"
    is_crossing = truth == FALSE_ALARM and found == MISSED
    return Place(
        count=count,
        share=f"{share:.0%}" if count else "",
        shade=shade,
        right=right and not is_crossing,
        query="" if right or is_crossing or not count else query,
        words=words,
    )


@dataclass(frozen=True, slots=True)
class Reliability:
    chart: LineChart
    error: float | None
    detections: int
    bins: tuple[tuple[str, int, str], ...]


def calibration(report: Report | None) -> Reliability | None:
    """Of detections with a given score, how many are right."""
    kept = (report or {}).get("calibration")
    if not kept or not kept.get("bins"):
        return None
    bins = [one for one in kept["bins"] if one["detections"]]
    points = [(one["confidence"], one["precision"]) for one in bins]
    chart = line_chart(
        "Share of right detections by score",
        [Series("as it should be", [(0, 0), (1, 1)], quiet=True), Series("this model", points, style=1)],
        x=Axis("Score", 0, 1),
        y=Axis("Share right", 0, 1),
    )
    rows = tuple(
        (f"{one['low']:.1f} to {one['high']:.1f}", one["detections"], f"{one['precision']:.0%}") for one in bins
    )
    return Reliability(chart, kept.get("d_ece"), kept.get("detections") or 0, rows)
