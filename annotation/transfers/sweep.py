"""What is kept for some days only: files of uploads that nobody went on with, and archives of exports."""

from __future__ import annotations

import shutil
from datetime import timedelta

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from annotation import store
from annotation.models import Transfer, TransferKind, TransferState

_AT_REST = [TransferState.RECEIVING, TransferState.SUCCEEDED, TransferState.FAILED, TransferState.CANCELLED]


def sweep() -> None:
    """Remove what has had its days. A row stays and says so."""
    _sweep_exports()
    _sweep_uploads()


def _sweep_exports() -> None:
    before = timezone.now() - timedelta(days=settings.EXPORT_DAYS)
    for transfer in Transfer.objects.filter(kind=TransferKind.EXPORT, ended_at__lt=before).exclude(file=""):
        _remove(transfer)
        Transfer.objects.filter(pk=transfer.pk).update(file="")


def _sweep_uploads() -> None:
    before = timezone.now() - timedelta(days=settings.UPLOAD_DAYS)
    rows = Transfer.objects.filter(
        kind__in=[TransferKind.PREVIEW, TransferKind.IMPORT], state__in=_AT_REST, created_at__lt=before
    )
    for transfer in rows.annotate(last=Max("uploads__completed_at")).filter(uploads__isnull=False).distinct():
        newest = max(filter(None, (transfer.last, transfer.ended_at, transfer.created_at)))
        if newest < before:
            transfer.uploads.all().delete()
            _remove(transfer)


def _remove(transfer: Transfer) -> None:
    store.forget(transfer.folder)
    shutil.rmtree(transfer.folder, ignore_errors=True)
