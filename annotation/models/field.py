"""Where a picture comes from, and the picture: case, slide, field."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import QuerySet

from annotation.models.project import Project


class Split(models.TextChoices):
    """Drawn by case at import. Validation stops a training, tuning sets thresholds and gates, test is only reported."""

    TRAINING = "training"
    VALIDATION = "validation"
    TUNING = "tuning"
    TEST = "test"


class CaseQuerySet(QuerySet["Case"]):
    def with_progress(self) -> CaseQuerySet:
        """Each with `split`, `field_count`, `labelled_count`, `signed_count` and the state that its fields make."""
        counted = self.annotate(
            split=models.Min("fields__split"),
            field_count=models.Count("fields"),
            labelled_count=models.Count("fields__current_reading"),
            signed_count=models.Count("fields", filter=models.Q(fields__current_reading__state="signed_off")),
        )
        return counted.annotate(
            state=models.Case(
                models.When(labelled_count=0, then=models.Value(CaseState.UNLABELLED)),
                models.When(labelled_count__lt=models.F("field_count"), then=models.Value(CaseState.PARTLY)),
                models.When(signed_count__lt=models.F("field_count"), then=models.Value(CaseState.LABELLED)),
                default=models.Value(CaseState.SIGNED_OFF),
                output_field=models.CharField(),
            )
        )


class CaseState(models.TextChoices):
    UNLABELLED = "unlabelled"
    PARTLY = "partly", "labelled in part"
    LABELLED = "labelled"
    SIGNED_OFF = "signed_off", "signed off"


class Case(models.Model):
    """A pseudonymous patient."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cases")
    code = models.CharField(max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "code"], name="case_code_once")]

    def __str__(self) -> str:
        return self.code


class Slide(models.Model):
    """A smear or whole-slide image of a case."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="slides")
    code = models.CharField(max_length=80)
    stain = models.CharField(max_length=80, blank=True)
    scanner = models.CharField(max_length=80, blank=True)
    site = models.CharField(max_length=80, blank=True)
    magnification = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "code"], name="slide_code_once")]

    def __str__(self) -> str:
        return f"{self.case}/{self.code}"


# Cells are counted from their fields, so that the database walks an index of cells reading by reading.
_CELLS = "current_reading__cells"
_CLASS = "current_reading__cells__cell_class"


class FieldQuerySet(QuerySet["Field"]):
    def labelled(self) -> FieldQuerySet:
        """Fields with a current reading."""
        return self.filter(current_reading__isnull=False)

    def unlabelled(self) -> FieldQuerySet:
        return self.filter(current_reading__isnull=True)

    def pool(self) -> FieldQuerySet:
        """What the loop may ask for: unlabelled fields of training cases."""
        return self.unlabelled().filter(split=Split.TRAINING)

    def exhaustive(self) -> FieldQuerySet:
        """Fields whose current reading says that every countable cell is labelled."""
        return self.filter(current_reading__exhaustive=True)

    def count_cells(self) -> dict[int, int]:
        """Living cells of the current readings, by class pk."""
        return dict(self._living_cells().values_list(_CLASS).annotate(models.Count(_CELLS)))

    def count_cells_by(self, key: str) -> list[tuple[int, int, int]]:
        """The same for each value of `key`, such as case: (value, class pk, cells)."""
        return list(self._living_cells().values_list(key, _CLASS).annotate(models.Count(_CELLS)))

    def _living_cells(self) -> QuerySet[Field, Any]:
        return self.filter(**{f"{_CELLS}__deleted_at__isnull": True, f"{_CLASS}__isnull": False}).order_by()


class Field(models.Model):
    """One image that is labelled. Its file lies under IMAGES_DIR by the hash of its bytes."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="fields")
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.PROTECT, related_name="fields")
    slide = models.ForeignKey(Slide, null=True, blank=True, on_delete=models.PROTECT, related_name="fields")
    code = models.CharField(max_length=20, help_text="F00012: given by the project, tells nothing of the patient")
    sha256 = models.CharField(max_length=64)
    file = models.CharField(max_length=120, help_text="relative to IMAGES_DIR")
    width = models.PositiveIntegerField(help_text="pixels as a person sees it: orientation applied")
    height = models.PositiveIntegerField()
    phash = models.CharField(max_length=16, help_text="perceptual hash, hexadecimal")
    um_per_px = models.FloatField(null=True, blank=True)
    um_source = models.CharField(max_length=20, blank=True, help_text="file, project, calibrated, or empty: unknown")
    original_name = models.CharField(
        max_length=300, blank=True, help_text="may name a patient: never leaves a project that is not public"
    )
    split = models.CharField(max_length=10, choices=Split)
    current_reading = models.ForeignKey(
        "annotation.Reading",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="kept by actions.readings.choose_current; it alone trains, counts and is exported",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FieldQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="image_once_per_project"),
            models.UniqueConstraint(fields=["project", "code"], name="field_code_once"),
        ]
        indexes = [models.Index(fields=["project", "split"]), models.Index(fields=["project", "original_name"])]

    def __str__(self) -> str:
        return self.public_name

    @property
    def public_name(self) -> str:
        """CASE-FIELD: what exports, reports and commands call it. Needs `case` selected along."""
        return f"{self.case.code}-{self.code}" if self.case else self.code
