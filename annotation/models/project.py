"""A project, who works in it, and the classes of its cells."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class WeakShape(models.TextChoices):
    CIRCLE = "circle"
    BOX = "box"


class Project(models.Model):
    """One study: its ontology, fields, people and settings."""

    key = models.SlugField(max_length=60, unique=True, help_text="short name used by commands and addresses")
    name = models.CharField(max_length=200)
    ontology = models.CharField(max_length=200, help_text="name of the ontology the classes were made from")
    um_per_px = models.FloatField(null=True, blank=True, help_text="of fields that bring no scale of their own")
    weak_shape = models.CharField(max_length=6, choices=WeakShape, default=WeakShape.CIRCLE)
    cell_px = models.FloatField(default=40.0, help_text="working resolution: pixels across a 12 µm cell")
    shrink = models.FloatField(default=0.9, help_text="circles are shrunk by this before a detector learns from them")
    min_labelled = models.PositiveIntegerField(
        default=5, help_text="labelled fields that validation, tuning and test each need before batches are ranked"
    )
    blind_share = models.FloatField(
        default=0.0, help_text="share of fields, 0 to 1, whose predictions stay hidden until their reader is done"
    )
    public = models.BooleanField(default=False, help_text="original file names may leave the project")
    round_defaults = models.JSONField(default=dict, blank=True, help_text="what a new round starts from: its settings")
    start_after = models.PositiveIntegerField(
        null=True, blank=True, help_text="a round starts by itself after so many newly submitted fields; empty: never"
    )
    start_at = models.TimeField(
        null=True, blank=True, help_text="a round starts by itself at this time of day (UTC); empty: never"
    )
    next_class_number = models.PositiveIntegerField(default=1)
    next_field_number = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class Role(models.TextChoices):
    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"


class Membership(models.Model):
    """What one person may do in one project; access.py says what each role means."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=13, choices=Role)
    mail = models.BooleanField(default=True, help_text="notices of the project are also sent by mail")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="one_role_per_person")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"


class ClassKind(models.TextChoices):
    CELL = "cell"
    ARTEFACT = "artefact"
    UNSURE = "unsure"


class CellClass(models.Model):
    """One node of a project's ontology. `number` counts from 1, is given once and never used again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="classes")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=60)
    name = models.CharField(max_length=120)
    aliases = models.JSONField(default=list, blank=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    tier = models.PositiveSmallIntegerField(default=0, help_text="0 cell, megakaryocyte, excluded; 1 lineage; 2 stage")
    lineage = models.CharField(max_length=40, blank=True)
    colour = models.CharField(max_length=7)
    line = models.CharField(max_length=10, default="solid", help_text="solid, dashed or dotted: not by colour alone")
    hotkey = models.CharField(max_length=10, blank=True)
    ontology_id = models.CharField(max_length=20, blank=True, help_text="Cell Ontology, as CL:0000836")
    counted = models.BooleanField(default=True, help_text="counts in the differential")
    kind = models.CharField(max_length=8, choices=ClassKind, default=ClassKind.CELL)
    guideline = models.TextField(blank=True, help_text="how to tell this class, in the words of those who read")
    retired_at = models.DateTimeField(
        null=True, blank=True, help_text="not offered any more; cells that have it keep it, and open pages still save"
    )

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="class_number_once"),
            models.UniqueConstraint(fields=["project", "key"], name="class_key_once"),
        ]

    def __str__(self) -> str:
        return self.name
