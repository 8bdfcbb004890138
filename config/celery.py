"""The Celery app: strings and wiring only. The tasks are in learning/tasks.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("marrowloop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
