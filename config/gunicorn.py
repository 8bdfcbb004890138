"""How the web process runs: `gunicorn -c config/gunicorn.py config.wsgi`. Pages are short; downloads hold a thread."""

import ctypes
import os
import shutil
import signal
import sys
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_host = f"[{settings.BIND}]" if ":" in settings.BIND else settings.BIND
bind = f"{_host}:{settings.PORT}"
worker_class = "gthread"
workers = min(2, os.cpu_count() or 1)
threads = 8
timeout = 120
graceful_timeout = 3
keepalive = 30
max_requests = 20_000
max_requests_jitter = 2_000
loglevel = "warning"
control_socket_disable = True
proc_name = "marrowloop"


# Each process counts in files of its own, so that whichever is asked for /metrics tells the sum of all.
_metrics = settings.HOME / "metrics"
shutil.rmtree(_metrics, ignore_errors=True)
_metrics.mkdir()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = settings.METRICS_DIR = str(_metrics)


def child_exit(_server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # it has no types


def post_fork(_server: Any, worker: Any) -> None:
    """A worker dies with its master, also where that is killed."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != worker.ppid:
            sys.exit("the master is gone")
