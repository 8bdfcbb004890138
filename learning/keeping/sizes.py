"""How much room a project takes on the disk, and what for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from annotation.models import Project
from learning.actions.tidying import bytes_below


@dataclass(frozen=True, slots=True)
class Sizes:
    """In bytes. A picture or snapshot that two projects share counts in both; `runs` holds what trainings work with."""

    pictures: int
    snapshots: int
    models: int
    runs: int
    transfers: int

    @property
    def total(self) -> int:
        return sum(asdict(self).values())


def sizes_of(project: Project) -> Sizes:
    pictures = project.fields.values_list("file", flat=True).distinct()
    snapshots = {f"{sha256}.jsonl" for sha256 in project.snapshots.values_list("sha256", flat=True)}
    return Sizes(
        pictures=sum(_size(settings.IMAGES_DIR / file) for file in pictures.iterator(2000)),
        snapshots=sum(_size(settings.SNAPSHOTS_DIR / name) for name in snapshots),
        models=bytes_below(settings.MODELS_DIR / project.key),
        runs=sum(bytes_below(run.folder) for run in project.runs.all()),
        transfers=sum(bytes_below(transfer.folder) for transfer in project.transfers.all()),
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
