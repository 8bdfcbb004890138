"""One field crowded with cells, half of them circles and half contours of 30 points, and the product that serves it."""

from __future__ import annotations

import math
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from benchmarks.frame import ROOT, CannotMeasureError

if TYPE_CHECKING:
    from annotation.models import Field, Project

WIDTH, HEIGHT = 4000, 3000
CORNERS = 30
START_SECONDS = 60


def set_up(home: Path) -> None:
    """Django on a data folder of its own, its database made. Once in a process."""
    os.environ["MARROWLOOP_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    settings.IMAGES_DIR.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)


def make_picture(folder: Path, seed: int = 0) -> dict[str, Any]:
    """A generated field of 4000 x 3000 pixels, taken in as an import does; the columns of its row."""
    from django.conf import settings
    from PIL import Image

    from annotation.imaging import ingest
    from models_zoo.generator import FieldSettings, generate_field

    made = generate_field(seed, FieldSettings(width=WIDTH, height=HEIGHT))
    Image.fromarray(made.image).save(folder / "field.png")
    stored = ingest(folder / "field.png", settings.IMAGES_DIR)
    return {
        "file": stored.path,
        "width": stored.width,
        "height": stored.height,
        "phash": f"{stored.phash:016x}",
        "um_per_px": 0.1,
    }


def make_field(project: Project, number: int, picture: dict[str, Any], author: Any, cells: int) -> Field:
    """A field with an open reading of `author` that holds `cells` cells. All fields show the same picture."""
    from annotation.models import Cell, Field, Provenance, Reading, Source
    from annotation.shapes import Shape

    field = Field.objects.create(
        project=project, code=f"F{number:05}", sha256=f"{number:064}", split="training", **picture
    )
    reading = Reading.objects.create(field=field, author=author, source=Source.DRAWN)
    classes = [row for row in project.classes.all() if row.tier == 2]
    rows = []
    for index, points in enumerate(shapes(cells)):
        shape = Shape("circle" if len(points) == 3 else "contour", tuple(points))
        x0, y0, x1, y1 = shape.bounds
        rows.append(
            Cell(
                project=project,
                reading=reading,
                cell_class=classes[index % len(classes)],
                kind=shape.kind,
                points=points,
                x0=x0,
                y0=y0,
                x1=x1,
                y1=y1,
                provenance=Provenance.DRAWN,
                author=author,
                uuid=UUID(int=number << 64 | index),
            )
        )
    Cell.objects.bulk_create(rows, batch_size=2000)
    return field


def shapes(cells: int, seed: int = 0) -> Iterator[list[float]]:
    """Places spread evenly and shaken a little; every second shape is a contour. In pixels of the field."""
    dice = random.Random(seed)  # a drawing, no secret
    across = math.ceil(math.sqrt(cells * WIDTH / HEIGHT))
    down = math.ceil(cells / across)
    radius = min(60.0, 0.46 * min(WIDTH / across, HEIGHT / down))
    for index in range(cells):
        x = (index % across + 0.5 + dice.uniform(-0.1, 0.1)) * WIDTH / across
        y = (index // across + 0.5 + dice.uniform(-0.1, 0.1)) * HEIGHT / down
        x, y = min(WIDTH - radius - 1, max(radius + 1, x)), min(HEIGHT - radius - 1, max(radius + 1, y))
        yield [round(x, 2), round(y, 2), round(radius, 2)] if index % 2 else contour(x, y, radius, dice)


def contour(x: float, y: float, radius: float, dice: random.Random) -> list[float]:
    points = []
    for corner in range(CORNERS):
        angle, reach = 2 * math.pi * corner / CORNERS, radius * dice.uniform(0.85, 1.0)
        points += [round(x + reach * math.cos(angle), 2), round(y + reach * math.sin(angle), 2)]
    return points


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of the product's web process, as `make run` starts it, on a port of its own."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = int(line.getsockname()[1])
    env = os.environ | {"MARROWLOOP_HOME": str(home), "MARROWLOOP_PORT": str(port), "MARROWLOOP_BIND": "127.0.0.1"}
    env.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    with (home / "web.txt").open("w") as log:
        web = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz", home / "web.txt")
        yield f"http://127.0.0.1:{port}"
    finally:
        web.terminate()
        web.wait(timeout=20)


def _wait(address: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310  # our own server
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise CannotMeasureError(f"the web process does not answer: {log.read_text()[-500:]}")
