"""Signs of life of workers: written every few seconds, and forgotten a day after the last one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db.models.functions import Now

from annotation import lease
from annotation.models import Worker

# Seconds between two signs; after so many days without one a worker is no more spoken of.
SIGN_SECONDS = 10.0
FORGOTTEN = timedelta(days=1)


def show_sign(queues: Collection[str]) -> None:
    """This worker lives and serves `queues`. By the database's clock, which all machines share."""
    name = lease.own_name()
    if not Worker.objects.filter(name=name).update(seen_at=Now()):
        Worker.objects.filter(seen_at__lt=Now() - FORGOTTEN).delete()
        Worker.objects.create(name=name, queues=",".join(sorted(queues)), began_at=Now(), seen_at=Now())


def take_leave() -> None:
    """This worker ends in order: nobody need wonder where it went."""
    Worker.objects.filter(name=lease.own_name()).delete()
