"""The rows of annotation. Only annotation.actions writes them."""

from annotation.models.erasure import Erasure
from annotation.models.field import Case, Field, Slide, Split
from annotation.models.loop import Batch, BatchField, Prediction, Snapshot
from annotation.models.notice import Delivery, DeliveryState, Notice, NoticeKind, Receipt, Webhook
from annotation.models.people import Invitation, KeyBindings, Scope, Token
from annotation.models.project import CellClass, ClassKind, Membership, Project, Role, WeakShape
from annotation.models.reading import (
    Cell,
    DatasetImport,
    Event,
    Opinion,
    Provenance,
    Reading,
    ReadingState,
    ReferenceCell,
    Rejection,
    ShapeKind,
    Source,
)
from annotation.models.transfer import Transfer, TransferKind, TransferState, Upload
from annotation.models.worker import Worker

__all__ = [
    "Batch",
    "BatchField",
    "Case",
    "Cell",
    "CellClass",
    "ClassKind",
    "DatasetImport",
    "Delivery",
    "DeliveryState",
    "Erasure",
    "Event",
    "Field",
    "Invitation",
    "KeyBindings",
    "Membership",
    "Notice",
    "NoticeKind",
    "Opinion",
    "Prediction",
    "Project",
    "Provenance",
    "Reading",
    "ReadingState",
    "Receipt",
    "ReferenceCell",
    "Rejection",
    "Role",
    "Scope",
    "ShapeKind",
    "Slide",
    "Snapshot",
    "Source",
    "Split",
    "Token",
    "Transfer",
    "TransferKind",
    "TransferState",
    "Upload",
    "WeakShape",
    "Webhook",
    "Worker",
]
