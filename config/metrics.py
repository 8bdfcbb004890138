"""Figures for Prometheus at /metrics: what the web processes count, and what the rows say when they are asked."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.db.models import Count
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from annotation.models import Transfer, TransferState, Worker
from learning.models import Run
from learning.states import RunState, Step

# The addresses by which cells are saved.
SAVES = {"api_changes", "api_cell"}
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Counted in this process; under gunicorn in files, so that any process can tell the sum.
own = CollectorRegistry()
requests = Counter("marrowloop_requests", "Requests answered", ["view", "method", "status"], registry=own)
times = Histogram("marrowloop_request_seconds", "Time to answer", ["view"], buckets=BUCKETS, registry=own)
saves = Histogram("marrowloop_save_seconds", "Time to save changes of cells", buckets=BUCKETS, registry=own)


def count_request(view: str, method: str, status: int, seconds: float) -> None:
    requests.labels(view, method if method in {"GET", "HEAD", "POST", "PUT", "DELETE"} else "other", status).inc()
    times.labels(view).observe(seconds)
    if view in SAVES:
        saves.observe(seconds)


class Rows(Collector):
    """What the database says at this moment."""

    def collect(self) -> Iterable[Metric]:
        yield self._runs()
        yield self._waiting()
        yield self._workers()
        yield from self._trainings()

    def _runs(self) -> Metric:
        found = GaugeMetricFamily("marrowloop_runs", "Runs by step and state", labels=["step", "state"])
        counted = dict.fromkeys(((step, state) for step in Step for state in RunState), 0)
        rows = Run.objects.values_list("step", "state").annotate(number=Count("pk")).order_by()
        for step, state, number in rows:
            counted[step, state] = number
        for labels, number in counted.items():
            found.add_metric(labels, number)
        return found

    def _waiting(self) -> Metric:
        found = GaugeMetricFamily("marrowloop_waiting", "Pieces of work that wait for a worker", labels=["queue"])
        queued = Run.objects.filter(state=RunState.QUEUED)
        light = queued.filter(step=Step.PREDICT).count()
        light += Transfer.objects.filter(state=TransferState.QUEUED).count()
        found.add_metric(["train"], queued.exclude(step=Step.PREDICT).count())
        found.add_metric(["light"], light)
        return found

    def _workers(self) -> Metric:
        found = GaugeMetricFamily(
            "marrowloop_worker_silent_seconds", "Since a worker's last sign of life", labels=["worker", "queues"]
        )
        for worker in Worker.objects.annotate(now=Now()):
            found.add_metric([worker.name, worker.queues], max(0.0, (worker.now - worker.seen_at).total_seconds()))
        return found

    def _trainings(self) -> Iterable[Metric]:
        labels = ["run", "project", "step"]
        done = GaugeMetricFamily("marrowloop_training_epoch", "Epochs that a running training has done", labels=labels)
        total = GaugeMetricFamily("marrowloop_training_epochs", "Epochs that it is to do", labels=labels)
        rows = Run.objects.filter(state=RunState.RUNNING, step__in=[Step.TRAIN, Step.DISTIL])
        for run in rows.select_related("project"):
            if run.progress.get("doing") == "training":
                named = [str(run.pk), run.project.key, run.step]
                done.add_metric(named, run.progress.get("done", 0))
                total.add_metric(named, run.progress.get("total", 0))
        return [done, total]


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """For whoever has the token; where none is set, for this machine alone."""
    if not may_read(request):
        return HttpResponse("Send the token of MARROWLOOP_METRICS_TOKEN.\n", "text/plain", status=403)
    registry = CollectorRegistry()
    if settings.METRICS_DIR:
        MultiProcessCollector(registry, path=settings.METRICS_DIR)  # type: ignore[no-untyped-call]
    else:
        registry.register(own)
    registry.register(Rows())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """A proxy on this machine asks from loopback for everybody: what it passes on does not count as from here."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
