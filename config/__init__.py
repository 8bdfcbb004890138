"""Celery's app is made with the package, so that a message sent from anywhere knows its broker."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
