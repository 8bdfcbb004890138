"""That a case was erased: when, by whom, how much. Nothing here tells which patient it was."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from annotation.models.project import Project


class Erasure(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="erasures")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    counts = models.JSONField(default=dict, help_text="rows by kind, pictures removed and kept, snapshots reduced")
    learned_by = models.JSONField(default=list, help_text="labels of the models that had learned from the case")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"erasure {self.pk} in {self.project_id}"
