"""How good a detector is, in numpy alone: `evaluate`, `compare`, `best_threshold`, `fit_calibrator`."""

from models_zoo.metrics.calibration import Calibration, Calibrator, fit_calibrator, reliability
from models_zoo.metrics.confusion import Confusion
from models_zoo.metrics.groups import Group
from models_zoo.metrics.report import ClassRow, Comparison, Matching, Report, compare, evaluate, judged
from models_zoo.metrics.rule import MatchKind, Rule, Truth
from models_zoo.metrics.thresholds import best_threshold

__all__ = [
    "Calibration",
    "Calibrator",
    "ClassRow",
    "Comparison",
    "Confusion",
    "Group",
    "MatchKind",
    "Matching",
    "Report",
    "Rule",
    "Truth",
    "best_threshold",
    "compare",
    "evaluate",
    "fit_calibrator",
    "judged",
    "reliability",
]
