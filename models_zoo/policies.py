"""What to do with artefacts (Gräbel 2021, METHODS section 1): background, cell, or a class of their own.

Smudge cells, granules and cells damaged in preparation were about 40 % of that study's annotated objects. None of the
policies throws them away: they are counted whatever a detector learns of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

import numpy as np

from models_zoo.detections import Detections
from models_zoo.metrics.matching import lay_out
from models_zoo.metrics.rule import Rule, Truth
from models_zoo.records import FieldRecord, Target

Policy = Literal["background", "cell", "own"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
CELL, ARTEFACT = "cell", "artefact"


def classes_of(policy: Policy) -> tuple[str, ...]:
    """What a detector of cells (one class) learns under `policy`."""
    return (CELL, ARTEFACT) if policy == "own" else (CELL,)


def applied(records: Sequence[FieldRecord], artefacts: Collection[int], policy: Policy) -> tuple[FieldRecord, ...]:
    """`records` with their labels as indices of `classes_of(policy)`; labels in `artefacts` are artefacts.

    As background they are not labelled at all, so that a detector learns to leave them alone. What is unsure stays so.
    """
    if policy not in POLICIES:
        raise ValueError(f"artefacts are treated as {', '.join(POLICIES)}, not as {policy!r}")
    return tuple(
        replace(record, targets=tuple(new for old in record.targets if (new := _applied(old, artefacts, policy))))
        for record in records
    )


def _applied(target: Target, artefacts: Collection[int], policy: Policy) -> Target | None:
    if target.label < 0:
        return target
    if target.label not in artefacts:
        return replace(target, label=0)
    return {"background": None, "cell": replace(target, label=0), "own": replace(target, label=1)}[policy]


@dataclass(frozen=True, slots=True)
class PolicyErrors:
    """Absolute numbers at the threshold, as in figure 8 of Gräbel 2021; and what they are counted out of.

    `cell_fn`: true cells that nothing called a cell stands for. `cell_fp`: detections called a cell where there is
    neither cell nor artefact. `artefact_fp`: artefacts taken for a cell. `artefact_fn`: artefacts that nothing stands
    for, whatever it was called; under the policy `background` that is how it should be.
    """

    cells: int
    artefacts: int
    cell_fn: int
    cell_fp: int
    artefact_fp: int
    artefact_fn: int

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def errors(
    truths: Mapping[str, Truth], found: Mapping[str, Detections], policy: Policy, threshold: float, rule: Rule
) -> PolicyErrors:
    """Count the errors of a detector that learned `classes_of(policy)`; `truths` have the labels 0 cell, 1 artefact.

    Cells are matched first, with what was called a cell; what is left of the detections is matched with the artefacts.
    """
    cells_called = {key: _called(item, 0, threshold) for key, item in found.items()}
    others_called = {key: _called(item, 1, threshold) for key, item in found.items()} if policy == "own" else {}
    hit_cells, free = _matched(truths, cells_called, 0, rule)
    mistaken, alarms = _matched(truths, free, 1, rule)
    known, _ = _matched(truths, others_called, 1, rule) if others_called else ({}, {})
    counts = {label: sum(int((truth.labels == label).sum()) for truth in truths.values()) for label in (0, 1)}
    taken = {key: mistaken.get(key, set()) | known.get(key, set()) for key in truths}
    return PolicyErrors(
        cells=counts[0],
        artefacts=counts[1],
        cell_fn=counts[0] - sum(map(len, hit_cells.values())),
        cell_fp=sum(map(len, alarms.values())),
        artefact_fp=sum(map(len, mistaken.values())),
        artefact_fn=counts[1] - sum(map(len, taken.values())),
    )


def _called(found: Detections, label: int, threshold: float) -> Detections:
    return found[np.flatnonzero((found.labels == label) & (found.top >= threshold))]


def _matched(
    truths: Mapping[str, Truth], found: Mapping[str, Detections], label: int, rule: Rule
) -> tuple[dict[str, set[int]], dict[str, Detections]]:
    """Per field: which true objects of `label` were hit, and the detections that hit none."""
    hits, free = {}, {}
    for key, truth in truths.items():
        item = found[key]
        one = Detections(item.boxes, item.top[:, None].astype(np.float32), item.features)
        wanted = np.flatnonzero(truth.labels == label)
        alone = replace(truth, boxes=truth.boxes[wanted], labels=np.zeros(len(wanted), np.intp), kinds=())
        layout = lay_out({key: alone}, {key: one}, rule, 1)
        matches = layout.matches(rule.least)
        order = np.argsort(-item.top.astype(np.float64), kind="stable")
        hits[key] = {int(wanted[match]) for match in matches if match >= 0}
        free[key] = item[order[: len(matches)][matches < 0]]
    return hits, free
