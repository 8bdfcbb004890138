"""manage.py sizes: how much room each project takes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from annotation.management.base import JsonCommand
from annotation.models import Project
from learning.keeping.sizes import sizes_of


class Command(JsonCommand):
    help = "Say how many bytes each project takes on the disk: pictures, snapshots, models, runs, transfers."

    def handle(self, *args: Any, **options: Any) -> None:
        found = {project.key: sizes_of(project) for project in Project.objects.order_by("key")}
        self.answer({"projects": {key: asdict(sizes) | {"total": sizes.total} for key, sizes in found.items()}})
