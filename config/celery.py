"""The Celery app: strings and wiring only. The tasks are in the tasks.py of annotation and learning."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, worker_shutdown, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("marrowloop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_after_setup.connect  # type: ignore[untyped-decorator]  # celery is not typed
def open_lanes(instance: Any, **_: Any) -> None:
    """Before the broker is asked for: where it cannot be reached, the lanes find their work by themselves."""
    from annotation import lanes

    lanes.open_lanes(set(instance.app.amqp.queues.consume_from))


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # celery is not typed
def hand_back(**_: Any) -> None:
    from annotation import lanes

    lanes.stopping.set()


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # celery is not typed
def close_lanes(**_: Any) -> None:
    from annotation import lanes

    lanes.close_lanes()
