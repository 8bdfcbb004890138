"""One part of the product as the process that calls this: `python -m config.part setup|web|train|light`.

For machines where Docker or systemd starts the parts and keeps them alive; on one machine `make run` does so. `setup`
makes or updates tables and ends; it is run once, before the others, while no worker works.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

PARTS = ("setup", "web", "train", "light")
# A heavy step is a process of its own; the light worker has three lanes.
THREADS = {"train": 1, "light": 3}


def commands(part: str, broker: str) -> list[Sequence[str]]:
    """What `part` runs, one after the other; the last one takes the place of this process."""
    from config.supervisor.__main__ import worker

    manage = [sys.executable, "manage.py"]
    if part == "setup":
        return [[*manage, "migrate", "--no-input"], [*manage, "prepare_server", "--no-demo"]]
    if part == "web":
        static = [*manage, "collectstatic", "--no-input", "--verbosity", "0"]
        return [static, [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]]
    return [worker(part, THREADS[part], broker, part)]


def main() -> int:
    if sys.argv[1:] not in ([part] for part in PARTS):
        print(f"Name one part: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        os.chdir(settings.BASE_DIR)
        *before, last = commands(sys.argv[1], settings.CELERY_BROKER_URL)
    except ImproperlyConfigured as error:
        print(f"Marrowloop was not started. {error}", file=sys.stderr)
        return 1
    for command in before:
        if status := subprocess.run(command, check=False).returncode:
            return status
    os.execv(last[0], list(last))  # noqa: S606  # our own words, no shell


if __name__ == "__main__":
    sys.exit(main())
