"""The comparison a candidate must pass against the incumbent. Pure: figures in, verdict out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# With fewer cases or cells on the tuning split than this, a comparison would be a coin toss.
MIN_CASES = 10
MIN_CELLS = 100

# A candidate is refused when it is worse by more than this much AP50, or surely worse by any amount.
TOLERANCE = 0.02
SURELY = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate minus incumbent in AP50 on the same fields, its 95 % interval, and how often it is above zero
    in a paired bootstrap over cases. `low` and `high` are None where there are too few cases for an interval."""

    ap50: float
    low: float | None
    high: float | None
    better: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gate looks at: fields, cases and true cells of the tuning split, and what the candidate found there."""

    fields: int
    cases: int
    cells: int
    found: int
    incumbent: str | None
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    reason: str
    evidence: Evidence

    def to_row(self) -> dict[str, Any]:
        return asdict(self)


def judge(evidence: Evidence) -> Verdict:
    """Pass or refuse a candidate, with the reason in a sentence for people."""
    if evidence.fields and evidence.found == 0:
        return Verdict(False, f"refused: it found not one cell on {evidence.fields} tuning fields", evidence)
    if evidence.fields == 0:
        return Verdict(True, "passed unchecked: there are no labelled tuning fields to check it on", evidence)
    if evidence.cases < MIN_CASES or evidence.cells < MIN_CELLS:
        few = (
            f"{_number(evidence.cases, 'case')} and {_number(evidence.cells, 'cell')} on the tuning split are too few "
            f"to compare (it takes {MIN_CASES} and {MIN_CELLS})"
        )
        return Verdict(True, f"passed, its output is not empty; {few}", evidence)
    if evidence.incumbent is None or evidence.difference is None:
        return Verdict(True, "passed: the first of its kind, its output is not empty", evidence)
    return _compare(evidence, evidence.incumbent, evidence.difference)


def _compare(evidence: Evidence, incumbent: str, difference: Difference) -> Verdict:
    words = f"AP50 {difference.ap50:+.3f} against {incumbent} on {evidence.cases} cases"
    if difference.low is not None and difference.high is not None:
        words += f" (95 % interval {difference.low:+.3f} to {difference.high:+.3f})"
    surely_worse = difference.better is not None and difference.better <= 1 - SURELY
    if difference.ap50 < -TOLERANCE or (difference.ap50 < 0 and surely_worse):
        return Verdict(False, f"refused: {words}", evidence)
    return Verdict(True, f"passed: {words}", evidence)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
