"""What people are told without asking: notices in the app, and the mails and webhooks that carry them out."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from annotation.models.project import Project


class NoticeKind(models.TextChoices):
    BATCH_READY = "batch_ready", "batch ready"
    ROUND_FAILED = "round_failed", "round failed"
    GATE_REFUSED = "gate_refused", "gate refused"


class Notice(models.Model):
    """Something happened in a project. `event` names what, so that the same is told once, whoever notices it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=12, choices=NoticeKind)
    event = models.CharField(max_length=120)
    text = models.CharField(max_length=500, help_text="in a sentence for people; names no patient and no file")
    path = models.CharField(max_length=200, help_text="the page that shows it")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["project", "event"], name="told_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.project_id}"


class Receipt(models.Model):
    """A notice as one person has it: unread, until they have seen it."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="receipts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="receipts")
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "user"], name="one_receipt_per_person")]
        indexes = [models.Index(fields=["user", "read_at"])]

    def __str__(self) -> str:
        return f"{self.notice_id} for {self.user_id}"


class Webhook(models.Model):
    """Where a project's notices are posted. Its secret signs them: it must be kept as it is, not as a hash."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="webhook")
    url = models.CharField(max_length=500)
    secret = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"webhook of {self.project_id}"


class DeliveryState(models.TextChoices):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Delivery(models.Model):
    """One notice on its way to one mailbox or webhook. A mail whose worker died while sending is not sent again."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="deliveries",
        help_text="whose mailbox; none: the webhook of the project",
    )
    state = models.CharField(max_length=7, choices=DeliveryState, default=DeliveryState.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    error = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "user"], name="one_mail_per_person"),
            models.UniqueConstraint(
                fields=["notice"], condition=models.Q(user__isnull=True), name="one_webhook_call_per_notice"
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"])]

    def __str__(self) -> str:
        return f"{self.notice_id} to {self.user_id or 'webhook'}"
