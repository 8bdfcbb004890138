"""The rows behind `benchmarks.readers`: `python -m benchmarks.readers_desks seed|train|training|check`.

A process of its own, because the settings of Django are those of one database. Answers with one JSON line.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from learning.models import Run

KEY = "readers"
# Of the readers so many pairs are one person with two pages open on one field.
PAIRS = 5
# More than a benchmark waits for.
EPOCHS = 300


def seed(readers: str) -> list[dict[str, Any]]:
    """A project of as many fields as readers, all labelled by an import, and a desk for each reader."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.middleware.csrf import get_token
    from django.test import Client, RequestFactory

    from annotation.actions.readings import open_reading
    from annotation.models import Membership, Project, Role

    call_command("create_administrator", "keeper", stdout=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        words = ["--count", readers, "--cases", "10", "--seed", "5"]
        call_command("generate_fields", f"{folder}/set", *words, stdout=sys.stderr)
        call_command("create_project", "Readers", "--key", KEY, stdout=sys.stderr)
        call_command("import_dataset", KEY, f"{folder}/set", stdout=sys.stderr)
    project = Project.objects.get(key=KEY)
    classes = list(project.classes.filter(kind="cell").values_list("number", flat=True))
    desks: list[dict[str, Any]] = []
    fields = list(project.fields.order_by("pk"))
    for number in range(int(readers)):
        of_pair = number < 2 * PAIRS
        person_number = number - number % 2 if of_pair else number
        person, _ = User.objects.get_or_create(username=f"reader{person_number}")
        Membership.objects.get_or_create(project=project, user=person, defaults={"role": Role.ANNOTATOR})
        field = fields[person_number]
        reading = open_reading(field=field, actor=person)
        browser = Client()
        browser.force_login(person)
        desks.append(
            {
                "reading": reading.pk,
                "session": browser.cookies["sessionid"].value,
                "csrf": get_token(RequestFactory().get("/")),
                "classes": classes,
                "width": field.width,
                "height": field.height,
                "shared": of_pair,
            }
        )
    return desks


def train() -> int:
    """Queue a round whose first training outlasts the benchmark."""
    from annotation.models import Project
    from learning.actions.rounds import start_round
    from learning.settings import RoundSettings

    settings = RoundSettings(teacher="yolo26n", epochs=EPOCHS, student_epochs=1, budget=6, seed=1)
    return start_round(project=Project.objects.get(key=KEY), settings=settings, actor=None).number


def training(seconds: str) -> dict[str, Any]:
    """The run, as soon as it trains: the network is loaded and an epoch has ended."""
    until = time.monotonic() + float(seconds)
    while not (run := _run()).epochs.exists() and time.monotonic() < until:
        if run.state not in {"queued", "running"}:
            sys.exit(f"the training has ended: {run.state} {run.error}")
        time.sleep(0.5)
    if not run.epochs.exists():
        sys.exit(f"no epoch ended within {seconds} s: {run.state}, {run.progress}")
    return {"state": run.state, "step": run.step, "progress": run.progress}


def _run() -> Run:
    from learning.models import Run

    return Run.objects.latest("pk")


def check(log: str) -> dict[str, int]:
    """What the readers were told against what is kept.

    lost: saves that were answered, but whose version the record of events does not hold with that shape; cells whose
    newest version is not what was said of it. overwritten: versions that two saves with different shapes were both told
    they had made; events that do not begin where the one before them ended.
    """
    from annotation.models import Cell, Event

    told: dict[tuple[str, int], set[tuple[float, ...]]] = defaultdict(set)
    saves = 0
    for line in Path(log).read_text().splitlines():
        save = json.loads(line)
        if save["status"] == "saved":
            saves += 1
            told[save["uuid"], save["version"]].add(tuple(save["points"]))
    chains: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in Event.objects.filter(cell__isnull=False, client="page").select_related("cell").order_by("pk"):
        chains[str(event.cell.uuid)].append({"before": event.before, "after": event.after})  # type: ignore[union-attr]  # filtered above
    kept = {
        (name, link["after"]["version"]): tuple(link["after"]["points"])
        for name, chain in chains.items()
        for link in chain
    }
    cells = {str(cell.uuid): cell for cell in Cell.objects.filter(uuid__in=chains)}
    lost = sum(kept.get(key) not in points for key, points in told.items())
    lost += sum(
        cells[name].version != chain[-1]["after"]["version"] or list(cells[name].points) != chain[-1]["after"]["points"]
        for name, chain in chains.items()
    )
    covered = sum(len(points) > 1 for points in told.values())
    covered += sum(one["after"] != two["before"] for chain in chains.values() for one, two in pairwise(chain))
    return {
        "saves": saves,
        "cells": len(cells),
        "events": sum(map(len, chains.values())),
        "lost": lost,
        "overwritten": covered,
    }


COMMANDS: dict[str, Any] = {"seed": seed, "train": train, "training": training, "check": check}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
