"""Whether a part of this machine is well: `python -m config.healthcheck web|worker` ends with 0 or 1.

`web` asks the pages whether they can be used. `worker` looks for a sign of life that a worker of this machine gave.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
from datetime import timedelta

# A worker gives a sign every ten seconds.
SILENT = timedelta(seconds=60)


def web() -> str:
    """Words for what is wrong; empty where all is well."""
    from django.conf import settings

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.BIND, settings.BIND)  # noqa: S104  # asked, not listened on
    names = [name for name in settings.ALLOWED_HOSTS if name != "*"] or ["localhost"]
    line = http.client.HTTPConnection(host, settings.PORT, timeout=10.0)
    try:
        line.request("GET", "/healthz/ready", headers={"Host": names[0].lstrip(".")})
        answer = line.getresponse()
        return "" if answer.status == http.client.OK else f"{answer.status}: {answer.read().decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return f"the pages do not answer: {error}"
    finally:
        line.close()


def worker() -> str:
    import django

    django.setup()
    from django.db import Error
    from django.db.models.functions import Now

    from annotation.models import Worker

    try:
        mine = Worker.objects.filter(name__startswith=f"{socket.gethostname()}:", seen_at__gt=Now() - SILENT)
        return "" if mine.exists() else f"no worker of this machine has given a sign within {SILENT.seconds} s"
    except Error as error:
        return f"the database does not answer: {error}"


CHECKS = {"web": web, "worker": worker}


def main() -> int:
    if sys.argv[1:] not in ([part] for part in CHECKS):
        print(f"Name what to look at: {', '.join(CHECKS)}.", file=sys.stderr)
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    trouble = CHECKS[sys.argv[1]]()
    print(trouble or "well")
    return int(bool(trouble))


if __name__ == "__main__":
    sys.exit(main())
