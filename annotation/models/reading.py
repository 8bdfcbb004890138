"""Readings of fields, the cells in them, and the record of what became of each cell."""

from __future__ import annotations

import uuid

from django.conf import settings as config
from django.db import models
from django.db.models import QuerySet
from django.db.models.functions import Now

from annotation.models.field import Field
from annotation.models.project import CellClass, ClassKind, Project
from annotation.shapes import Shape


class Source(models.TextChoices):
    DRAWN = "drawn"
    ADJUDICATED = "adjudicated"
    IMPORTED = "imported"
    SIMULATED = "simulated"
    ORACLE = "oracle"


class ReadingState(models.TextChoices):
    OPEN = "open"
    SUBMITTED = "submitted"
    SIGNED_OFF = "signed_off"
    SEALED = "sealed"


class DatasetImport(models.Model):
    """One import: what came in, what was refused and why. The birth record of all cells it brought."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    format = models.CharField(max_length=10)
    settings = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    rejected = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"import {self.pk} into {self.project_id}"


class ReadingQuerySet(QuerySet["Reading"]):
    def final(self) -> ReadingQuerySet:
        """Readings that may become current: submitted or signed off; sealed oracle labels never."""
        return self.filter(state__in=[ReadingState.SUBMITTED, ReadingState.SIGNED_OFF])

    def at_work(self) -> ReadingQuerySet:
        """Open readings whose author's lease has not run out."""
        return self.filter(state=ReadingState.OPEN, lease_until__gt=Now())


class Reading(models.Model):
    """One pass over one field: by an annotator, an import, a simulated annotator, or an adjudication.

    Sealed readings of source `oracle` are labels kept aside: nobody sees them until a simulated annotator reveals them.
    """

    field = models.ForeignKey(Field, on_delete=models.CASCADE, related_name="readings")
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    source = models.CharField(max_length=11, choices=Source)
    state = models.CharField(max_length=10, choices=ReadingState, default=ReadingState.OPEN)
    exhaustive = models.BooleanField(default=False, help_text="every countable cell of this field is labelled")
    imported_by = models.ForeignKey(DatasetImport, null=True, blank=True, on_delete=models.PROTECT)
    signature = models.CharField(
        max_length=64, blank=True, help_text="hash of what an import brought: the same labels are never stored twice"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    signed_off_at = models.DateTimeField(null=True, blank=True)
    signed_off_by = models.ForeignKey(
        config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    blind = models.BooleanField(
        default=False, help_text="begun on a field whose predictions are hidden until it is submitted"
    )
    unblinded_at = models.DateTimeField(
        null=True, blank=True, help_text="submitted for the first time; its author sees predictions from then on"
    )
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="until then its author is at work, and the queue offers the field to no other"
    )

    objects = ReadingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["field", "signature"], condition=~models.Q(signature=""), name="same_labels_once"
            )
        ]
        indexes = [models.Index(fields=["field", "state"])]

    def __str__(self) -> str:
        return f"reading {self.pk} of {self.field_id}"

    @property
    def is_blind(self) -> bool:
        """Whether its author must not see or use predictions yet."""
        return self.blind and self.unblinded_at is None


class ShapeKind(models.TextChoices):
    CIRCLE = "circle"
    BOX = "box"
    CONTOUR = "contour"


class Provenance(models.TextChoices):
    DRAWN = "drawn"
    ACCEPTED = "accepted", "predicted and accepted"
    CORRECTED = "corrected", "predicted and corrected"
    IMPORTED = "imported"


class CellQuerySet(QuerySet["Cell"]):
    def alive(self) -> CellQuerySet:
        return self.filter(deleted_at__isnull=True)

    def current(self) -> CellQuerySet:
        """Cells of the fields' current readings."""
        return self.alive().filter(reading=models.F("reading__field__current_reading"))

    def asking(self) -> CellQuerySet:
        """Cells whose readers ask for a second opinion, answered or not: unsure ones of open and current readings."""
        alive = self.alive().filter(cell_class__kind=ClassKind.UNSURE)
        by_people = alive.filter(reading__source__in=[Source.DRAWN, Source.ADJUDICATED])
        current = models.Q(reading=models.F("reading__field__current_reading"))
        return by_people.filter(current | models.Q(reading__state=ReadingState.OPEN))


class Cell(models.Model):
    """One labelled object of a reading. `points` as in annotation.shapes; its bounds stand beside them for search."""

    uuid = models.UUIDField(default=uuid.uuid4)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="cells")
    cell_class = models.ForeignKey(CellClass, on_delete=models.PROTECT, related_name="cells")
    kind = models.CharField(max_length=7, choices=ShapeKind)
    points = models.JSONField()
    x0 = models.FloatField()
    y0 = models.FloatField()
    x1 = models.FloatField()
    y1 = models.FloatField()
    attributes = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    provenance = models.CharField(max_length=9, choices=Provenance)
    prediction = models.ForeignKey(
        "annotation.Prediction", null=True, blank=True, on_delete=models.SET_NULL, related_name="cells"
    )
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    locked = models.BooleanField(
        default=False, help_text="finished: nothing else about it changes until it is unlocked"
    )

    objects = CellQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "uuid"], name="cell_uuid_once")]
        # With the class in it cells are counted from the index alone.
        indexes = [models.Index(fields=["reading", "deleted_at", "cell_class"])]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def shape(self) -> Shape:
        return Shape(self.kind, tuple(self.points))  # type: ignore[arg-type]  # the column's choices are the shape's kinds


class Opinion(models.Model):
    """What a reviewer says of a cell whose reader was unsure. The cell stays as its reader has it, who may follow."""

    cell = models.ForeignKey(Cell, on_delete=models.CASCADE, related_name="opinions")
    cell_class = models.ForeignKey(CellClass, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(help_text="of the cell, as the reviewer saw it")
    note = models.CharField(max_length=500, blank=True)
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.cell_class_id} for {self.cell_id}"


class ReferenceCell(models.Model):
    """A cell that shows what its class looks like, chosen by a reviewer and shown beside the guideline."""

    cell_class = models.ForeignKey(CellClass, on_delete=models.CASCADE, related_name="references")
    cell = models.ForeignKey(Cell, on_delete=models.CASCADE, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["cell_class", "cell"], name="reference_once")]

    def __str__(self) -> str:
        return f"{self.cell_id} for {self.cell_class_id}"


class Rejection(models.Model):
    """A person said of a prediction, in one reading, that it is wrong. Taken back, the row stays with its date."""

    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="rejections")
    prediction = models.ForeignKey("annotation.Prediction", on_delete=models.CASCADE, related_name="rejections")
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reading", "prediction"], name="rejection_once")]

    def __str__(self) -> str:
        return f"{self.prediction_id} in reading {self.reading_id}"


class Event(models.Model):
    """What became of a cell, append-only: no entry covers an earlier one. An import is one event for all its cells."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    cell = models.ForeignKey(Cell, null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    reading = models.ForeignKey(Reading, null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    actor = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    verb = models.CharField(max_length=20)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    client = models.CharField(max_length=80, blank=True, help_text="page, api, task or the command's name")
    at = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField(
        null=True, blank=True, help_text="time that a person was active for it, as their browser measured it"
    )

    class Meta:
        indexes = [models.Index(fields=["project", "at"])]

    def __str__(self) -> str:
        return f"{self.verb} at {self.at}"
