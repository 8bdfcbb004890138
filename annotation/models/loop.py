"""What the loop publishes to the people: predictions, batches; and what people freeze for it: snapshots.

A model is known here by its id and label as plain values: no foreign key points up to the learning app.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import QuerySet

from annotation.models.field import Field
from annotation.models.project import CellClass, Project
from annotation.models.reading import Reading, ShapeKind
from annotation.shapes import Shape


class Prediction(models.Model):
    """What a model suggests. Never changed: accepting one makes a cell, and the prediction stays."""

    field = models.ForeignKey(Field, on_delete=models.CASCADE, related_name="predictions")
    model_id = models.PositiveBigIntegerField()
    model_label = models.CharField(max_length=80)
    cell_class = models.ForeignKey(CellClass, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=7, choices=ShapeKind)
    points = models.JSONField()
    score = models.FloatField(help_text="of its class, 0 to 1, as the model gives it")
    class_scores = models.JSONField(default=list, help_text="the best three: [[class number, score], ...]")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["field", "model_id"])]

    def __str__(self) -> str:
        return f"{self.cell_class_id} at {self.score:.2f} by {self.model_label}"

    @property
    def shape(self) -> Shape:
        return Shape(self.kind, tuple(self.points))  # type: ignore[arg-type]  # the column's choices are the shape's kinds


class Batch(models.Model):
    """The frozen list of fields the experts are asked for. `number` is the number of its round; 0: before the first.

    It is frozen when the pool is ranked and opened when its predictions are there; opening one closes those before it.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    strategy = models.CharField(max_length=40)
    model_id = models.PositiveBigIntegerField(null=True)
    model_label = models.CharField(max_length=80, blank=True)
    seed = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True, help_text="from then on people are asked for its fields")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="batch_number_once")]

    def __str__(self) -> str:
        return f"batch {self.number}"


class BatchFieldQuerySet(QuerySet["BatchField"]):
    def waiting(self) -> BatchFieldQuerySet:
        """Fields that are still asked for: their batch is open and nobody has labelled them."""
        return self.filter(
            batch__opened_at__isnull=False, batch__closed_at__isnull=True, field__current_reading__isnull=True
        )

    def free_for(self, user_id: int) -> BatchFieldQuerySet:
        """Those that nobody else is at work on."""
        others = Reading.objects.at_work().exclude(author_id=user_id)
        return self.exclude(field__in=others.values("field"))


class BatchField(models.Model):
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="fields")
    field = models.ForeignKey(Field, on_delete=models.CASCADE, related_name="batch_fields")
    rank = models.PositiveIntegerField(help_text="1 is asked first")
    score = models.FloatField()
    reason = models.CharField(max_length=300, help_text="why this field, in a sentence for people")

    objects = BatchFieldQuerySet.as_manager()

    class Meta:
        ordering = ["rank"]
        constraints = [models.UniqueConstraint(fields=["batch", "field"], name="field_once_per_batch")]

    def __str__(self) -> str:
        return f"{self.rank}. {self.field_id}"


class Snapshot(models.Model):
    """A frozen, hashed list of readings and cell versions. A named one is a release.

    The list itself is a file of JSON lines under SNAPSHOTS_DIR named by its hash: cells live on, the file stays.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="snapshots")
    sha256 = models.CharField(max_length=64)
    purpose = models.CharField(max_length=10, help_text="training or export")
    name = models.CharField(max_length=120, blank=True)
    notes = models.TextField(blank=True)
    counts = models.JSONField(default=dict)
    reductions = models.JSONField(
        default=list, help_text="each time a case was erased: when, how many readings went, the hash before"
    )
    readings = models.ManyToManyField(Reading, related_name="snapshots")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["project", "sha256"])]

    def __str__(self) -> str:
        return self.name or self.sha256[:12]
