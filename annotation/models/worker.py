"""The workers that have given a sign of life: for whoever watches the server. Nothing is decided by it."""

from __future__ import annotations

from django.db import models


class Worker(models.Model):
    """`name` as in annotation.lease: host, process, start. A worker that ended in order takes its row away."""

    name = models.CharField(max_length=200, unique=True)
    queues = models.CharField(max_length=100, help_text="train, light, or both with a comma between")
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.queues})"
