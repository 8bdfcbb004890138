"""The rows of annotation. Only annotation.actions writes them."""

from annotation.models.field import Case, Field, Slide, Split
from annotation.models.loop import Batch, BatchField, Prediction, Snapshot
from annotation.models.project import CellClass, ClassKind, Membership, Project, Role, WeakShape
from annotation.models.reading import (
    Cell,
    DatasetImport,
    Event,
    Provenance,
    Reading,
    ReadingState,
    ShapeKind,
    Source,
)

__all__ = [
    "Batch",
    "BatchField",
    "Case",
    "Cell",
    "CellClass",
    "ClassKind",
    "DatasetImport",
    "Event",
    "Field",
    "Membership",
    "Prediction",
    "Project",
    "Provenance",
    "Reading",
    "ReadingState",
    "Role",
    "ShapeKind",
    "Slide",
    "Snapshot",
    "Source",
    "Split",
    "WeakShape",
]
