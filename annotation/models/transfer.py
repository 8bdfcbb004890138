"""Data on its way in or out: files that are being uploaded, and imports and exports that run in the background."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings as config
from django.db import models

from annotation.models.loop import Snapshot
from annotation.models.project import Project


class TransferKind(models.TextChoices):
    PREVIEW = "preview"
    IMPORT = "import"
    EXPORT = "export"
    RELEASE = "release"


class TransferState(models.TextChoices):
    RECEIVING = "receiving", "receiving files"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Transfer(models.Model):
    """One import, export or release. The row is the truth; who holds the lease of its newest attempt may write to it.

    An import is first a preview: the same row, so that its files, its settings and its faults stay together.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="transfers")
    author = models.ForeignKey(config.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    kind = models.CharField(max_length=7, choices=TransferKind)
    state = models.CharField(max_length=9, choices=TransferState, default=TransferState.QUEUED)
    settings = models.JSONField(default=dict, help_text="what was asked for, as the form said it")
    attempt = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    progress = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    snapshot = models.ForeignKey(Snapshot, null=True, blank=True, on_delete=models.SET_NULL, related_name="transfers")
    file = models.CharField(max_length=200, blank=True, help_text="of an export, relative to TRANSFERS_DIR")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "lease_until"]), models.Index(fields=["project", "kind"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def folder(self) -> Path:
        """Holds what is received for an import, or what an export makes."""
        return config.TRANSFERS_DIR / str(self.pk)


class Upload(models.Model):
    """One file on its way in. It is sent in parts; after a break the browser goes on at `received`."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=300, help_text="may name a patient: shown to nobody but its sender")
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    fault = models.CharField(max_length=300, blank=True, help_text="why the file was refused, in a sentence")
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.uuid)
