"""The only file where rows become records of the model zoo, and results become rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from django.conf import settings as config

from annotation import store
from annotation.actions.predictions import Suggestion
from annotation.actions.snapshots import FrozenReading
from annotation.models import CellClass, ClassKind, Field, Project, WeakShape
from annotation.shapes import Shape
from learning.models import ModelVersion
from learning.settings import Artefacts
from models_zoo.detections import Detections
from models_zoo.metrics import Truth
from models_zoo.records import FieldRecord, Target
from models_zoo.shapes import as_circle

# A field is never enlarged beyond this: past it a detector sees blur, not more of the cell.
MAX_SCALE = 2.0
MIN_SCALE = 0.02
# The working resolution is defined by a cell of this size.
REFERENCE_UM = 12.0
NO_CLAIM = -1
# The class of a nucleated cell that is not classified further.
ROOT = "cell"


@dataclass(frozen=True)
class ClassPlan:
    """Which class of the project is learned as which output of the network.

    `numbers` are the class numbers in the order of the outputs; `output` maps every class number of the project to
    an index into it, to NO_CLAIM (neither cell nor background), or to None (background). `missing` tells, by key,
    how many cells a rolled-up class lacks until it is learned on its own.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    output: dict[int, int | None]
    missing: dict[str, int]


@dataclass(frozen=True, slots=True)
class Working:
    """How fields of a project are scaled: working pixels of a reference cell, the median true cell in field pixels,
    which stands in where a field's µm per pixel is not known, and the side that such a field fills at least."""

    cell_px: float
    median_px: float | None
    fill_px: int | None = None


def plan_classes(
    project: Project, readings: Iterable[FrozenReading], *, min_cells: int, artefacts: Artefacts
) -> ClassPlan:
    """Roll classes with fewer than `min_cells` cells up their tree until there are enough, at last into `cell`.

    Artefacts are no cells, whatever their number: a kind of artefact that is too rare to learn is background. Only with
    `artefacts` "cell" they count as `cell`.
    """
    counts = Counter(cell.number for reading in readings for cell in reading.cells)
    return plan_counted(project, counts, min_cells=min_cells, artefacts=artefacts)


def plan_counted(project: Project, counts: Counter[int], *, min_cells: int, artefacts: Artefacts) -> ClassPlan:
    """The plan for so many labelled training cells of each class number: all that it depends on."""
    classes = _tree(project)
    target: dict[int, int | None] = {
        number: _fixed(row, artefacts, enough=counts[number] >= min_cells) for number, row in classes.items()
    }
    learned = [number for number in counts if target[number] is not None and target[number] != NO_CLAIM]
    roots = {number: _start(classes, number, artefacts) for number in learned}
    rolled = _roll_up(classes, counts, roots, min_cells)
    numbers = tuple(sorted(set(rolled.values())))
    for number in target:
        if target[number] is not None and target[number] != NO_CLAIM:
            target[number] = _output_of(classes[number], rolled, numbers)
    missing = {classes[n].key: min_cells - counts[n] for n in counts if rolled.get(n) != n and counts[n] < min_cells}
    return ClassPlan(numbers, tuple(classes[n].key for n in numbers), target, missing)


def _tree(project: Project) -> dict[int, CellClass]:
    """The classes by number, each with its parent at hand up to the root: one query for the whole ontology."""
    rows = {row.pk: row for row in project.classes.all()}
    for row in rows.values():
        row.parent = rows[row.parent_id] if row.parent_id is not None else None
    return {row.number: row for row in rows.values()}


def _start(classes: dict[int, CellClass], number: int, artefacts: Artefacts) -> int:
    """The class that a number counts for before anything is rolled up: its own; `cell` for artefacts that are learned
    as cells, where the ontology has that class."""
    if artefacts == "cell" and classes[number].kind == ClassKind.ARTEFACT:
        return next((other for other, row in classes.items() if row.key == ROOT), number)
    return number


def _fixed(row: CellClass, artefacts: Artefacts, *, enough: bool) -> int | None:
    """NO_CLAIM for unsure, None for artefacts as background, 0 for what is to be learned."""
    if row.kind == ClassKind.UNSURE:
        return NO_CLAIM
    if row.kind != ClassKind.ARTEFACT or artefacts == "cell":
        return 0
    return None if artefacts == "background" or not enough else 0


def _roll_up(
    classes: dict[int, CellClass], counts: Counter[int], onto: dict[int, int], min_cells: int
) -> dict[int, int]:
    """Move the deepest class that is too small to its parent, again and again; without a parent, to the root `cell`.

    An ontology without `cell` keeps its small roots as they are: there is nothing they could be rolled up to.
    """
    root = next((number for number, row in classes.items() if row.key == ROOT), None)
    while True:
        sizes: Counter[int] = Counter()
        for number, place in onto.items():
            sizes[place] += counts[number]
        small = [p for p, size in sizes.items() if size < min_cells and _above(classes[p], root) is not None]
        if not small:
            return onto
        deepest = max(small, key=lambda place: (classes[place].tier, -sizes[place], place))
        parent = _above(classes[deepest], root)
        onto = {n: parent if place == deepest and parent is not None else place for n, place in onto.items()}


def _above(row: CellClass, root: int | None) -> int | None:
    """The number of the class that `row` rolls up to; None where there is none. Artefacts do not roll up."""
    if row.parent is not None:
        return row.parent.number
    return root if row.number != root and row.kind == ClassKind.CELL else None


def _output_of(row: CellClass, rolled: dict[int, int], numbers: tuple[int, ...]) -> int:
    """The output of a class: its own, else that of its nearest ancestor that is learned, else no claim is made."""
    here: CellClass | None = row
    if row.number in rolled:
        return numbers.index(rolled[row.number])
    while here is not None:
        if here.number in numbers:
            return numbers.index(here.number)
        here = here.parent
    return NO_CLAIM


def classes_above(rows: Iterable[CellClass]) -> frozenset[tuple[int, int]]:
    """(number, number of a class above it) for each pair: who says the second of the first says less, not other."""
    classes = {row.number: row for row in rows}
    root = next((number for number, row in classes.items() if row.key == ROOT), None)
    pairs = set()
    for number in classes:
        here = _above(classes[number], root)
        while here is not None:
            pairs.add((number, here))
            here = _above(classes[here], root)
    return frozenset(pairs)


def plan_of(model: ModelVersion) -> ClassPlan:
    """The class plan a model was trained with, for judging it on today's labels."""
    classes = _tree(model.project)
    numbers = tuple(int(number) for number in model.classes)
    stored: dict[str, int | None] = model.card["class_map"]
    output: dict[int, int | None] = {}
    for number, row in classes.items():
        known = str(number) in stored
        output[number] = stored[str(number)] if known else _output_of(row, {}, numbers)
    return ClassPlan(numbers, tuple(classes[n].key for n in numbers), output, {})


def plan_of_outputs(project: Project, keys: Sequence[str]) -> ClassPlan:
    """The plan of a network that was trained elsewhere and whose outputs are the classes `keys`.

    A class that it does not know counts as its nearest ancestor that it knows; else no claim is made about it.
    """
    classes = {row.key: row for row in project.classes.select_related("parent")}
    numbers = tuple(classes[key].number for key in keys)
    return ClassPlan(numbers, tuple(keys), {row.number: _output_of(row, {}, numbers) for row in classes.values()}, {})


def working_of(project: Project, readings: Iterable[FrozenReading], tile: int) -> Working:
    sides = [
        ((x1 - x0) + (y1 - y0)) / 2
        for reading in readings
        for cell in reading.cells
        for x0, y0, x1, y1 in [cell.shape.bounds]
    ]
    return Working(project.cell_px, float(median(sides)) if sides else None, tile)


def scale_of(working: Working, um_per_px: float | None, longest: int) -> float:
    """Working pixels per field pixel, for a field whose longer side has `longest` pixels.

    Where the µm per pixel is known it alone decides. Else the median cell gets `cell_px`, but no field is shrunk below
    one tile: the network looks at a whole tile in any case, and the smallest cells (platelets among red cells) need
    every pixel (benchmarks/README.md). 1 where neither the scale nor the size of a cell is known.
    """
    if um_per_px:
        scale = working.cell_px * um_per_px / REFERENCE_UM
    elif working.median_px:
        scale = max(working.cell_px / working.median_px, min(1.0, (working.fill_px or 0) / longest))
    else:
        return 1.0
    return round(min(MAX_SCALE, max(MIN_SCALE, scale)), 4)


def record_of_reading(reading: FrozenReading, plan: ClassPlan, working: Working) -> FieldRecord:
    """A labelled field as the zoo takes it."""
    return FieldRecord(
        key=str(reading.field),
        path=str(store.fetch(config.IMAGES_DIR / reading.file)),
        width=reading.width,
        height=reading.height,
        scale=scale_of(working, reading.um_per_px, max(reading.width, reading.height)),
        case=reading.case,
        targets=tuple(
            Target(cell.kind, cell.points, output)
            for cell in reading.cells
            for output in [plan.output[cell.number]]
            if output is not None
        ),
    )


def record_of_field(field: Field, working: Working) -> FieldRecord:
    """An unlabelled field as the zoo takes it."""
    return FieldRecord(
        key=str(field.pk),
        path=str(store.fetch(config.IMAGES_DIR / field.file)),
        width=field.width,
        height=field.height,
        scale=scale_of(working, field.um_per_px, max(field.width, field.height)),
        case=field.case.code if field.case else "",
    )


def with_pseudo_labels(record: FieldRecord, found: Detections, keep: float, doubt: float, weak: str) -> FieldRecord:
    """`record` with what a teacher found as its targets: sure detections as labels, doubtful ones as no claim."""
    top, labels = found.top, found.labels
    targets = [
        Target(shape.kind, shape.points, int(label) if score >= keep else NO_CLAIM)
        for box, score, label in zip(found.boxes, top, labels, strict=True)
        if score >= doubt
        for shape in [weak_shape(box, weak)]
    ]
    return replace(record, targets=tuple(targets))


def truth_of(reading: FrozenReading, plan: ClassPlan) -> Truth:
    """The true boxes of a field, circles as drawn (not shrunk), labels as outputs of `plan`."""
    known = [(cell, plan.output[cell.number]) for cell in reading.cells]
    taken = [(cell, output) for cell, output in known if output is not None]
    boxes = np.array([cell.shape.bounds for cell, _ in taken], np.float64).reshape(-1, 4)
    labels = np.array([output for _, output in taken], np.int64)
    return Truth(boxes, labels, reading.case, reading.um_per_px, tuple(cell.kind for cell, _ in taken))


def recast(found: Detections, numbers: Sequence[int], plan: ClassPlan) -> Detections:
    """Detections of a model with outputs `numbers`, in the columns of `plan`: a column takes its best class's score.

    A class that `plan` does not know (None or NO_CLAIM) scores nowhere.
    """
    scores = np.zeros((len(found), len(plan.numbers)), np.float32)
    for column, number in enumerate(numbers):
        output = plan.output.get(number)
        if output is not None and output != NO_CLAIM:
            scores[:, output] = np.maximum(scores[:, output], found.scores[:, column])
    return Detections(found.boxes, scores, found.features)


def weak_shape(box: np.ndarray[Any, Any], weak: str) -> Shape:
    """A detected box (x0, y0, x1, y1) in the project's weak shape."""
    if weak == WeakShape.BOX:
        return Shape("box", tuple(float(value) for value in box))
    return Shape("circle", tuple(float(value) for value in as_circle(np.asarray(box, np.float64))))


def suggestions_of(
    field: Field, found: Detections, numbers: Sequence[int], classes: dict[int, CellClass], weak: str
) -> list[Suggestion]:
    """Detections on one field as rows to publish; a circle whose centre lies outside the field is no cell of it."""
    rows = []
    for box, scores in zip(found.boxes, found.scores, strict=True):
        order = np.argsort(-scores, kind="stable")[:3]
        shape = _inside(weak_shape(box, weak), field)
        if shape is not None:
            best = tuple((numbers[i], round(float(scores[i]), 4)) for i in order)
            rows.append(Suggestion(field, classes[numbers[order[0]]], shape, float(scores[order[0]]), best))
    return rows


def _inside(shape: Shape, field: Field) -> Shape | None:
    if shape.kind == "circle":
        cx, cy, _ = shape.points
        return shape if 0 <= cx <= field.width and 0 <= cy <= field.height else None
    x0, y0, x1, y1 = shape.points
    cut = (max(0.0, x0), max(0.0, y0), min(float(field.width), x1), min(float(field.height), y1))
    return Shape("box", cut) if cut[2] > cut[0] and cut[3] > cut[1] else None


def path_of(field: Field) -> Path:
    return store.fetch(config.IMAGES_DIR / field.file)


def count_cells(readings: Iterable[FrozenReading], plan: ClassPlan) -> Counter[int]:
    """Labelled cells by output of `plan`."""
    outputs = (plan.output[cell.number] for reading in readings for cell in reading.cells)
    return Counter(output for output in outputs if output is not None and output != NO_CLAIM)
