"""Rows that tests of the loop share: a small project with fields, readings and a model."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import numpy as np
from django.conf import settings as config
from PIL import Image
from scipy import ndimage

from annotation.actions.projects import create_project
from annotation.models import Cell, Field, Project, Provenance, Reading, ReadingState, Source
from learning.models import ModelKind, ModelVersion, Round, Run
from learning.settings import RoundSettings, to_row
from learning.states import RoundState, Step

_numbers = count(1)


def project(**values: Any) -> Project:
    return create_project(name=f"Study {next(_numbers)}", **values)


def field(owner: Project, split: str = "training", *, size: int = 200) -> Field:
    number = next(_numbers)
    return Field.objects.create(
        project=owner,
        code=f"F{number:05}",
        sha256=f"{number:064}",
        file=f"{number}.png",
        width=size,
        height=size,
        phash=f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}",
        split=split,
    )


def picture(of: Field) -> Field:
    """Gives the field a sharp picture, for steps that look at it: blots, because white noise has no focus to judge."""
    noise = np.random.default_rng(of.pk).normal(size=(of.height, of.width))
    blots = np.where(ndimage.gaussian_filter(noise, 2.0) > 0, 180, 60).astype(np.uint8)
    Image.fromarray(blots).convert("RGB").save(config.IMAGES_DIR / of.file)
    return of


def reading(
    of: Field,
    cells: dict[str, int],
    *,
    source: str = Source.IMPORTED,
    state: str = ReadingState.SUBMITTED,
    exhaustive: bool = True,
) -> Reading:
    """A reading with so many circles of radius 10 of each class, none over another; the current one unless sealed."""
    made = Reading.objects.create(field=of, source=source, state=state, exhaustive=exhaustive)
    classes = {row.key: row for row in of.project.classes.all()}
    keys = [key for key, number in cells.items() for _ in range(number)]
    for index, key in enumerate(keys):
        x, y = 15.0 + 25 * (index % 7), 15.0 + 25 * (index // 7)
        Cell.objects.create(
            project=of.project,
            reading=made,
            cell_class=classes[key],
            kind="circle",
            points=[x, y, 10.0],
            x0=x - 10,
            y0=y - 10,
            x1=x + 10,
            y1=y + 10,
            provenance=Provenance.IMPORTED,
        )
    if state != ReadingState.SEALED:
        Field.objects.filter(pk=of.pk).update(current_reading=made)
        of.refresh_from_db()
    return made


def study(training: int = 6, pool: int = 6, held_out: int = 2, **values: Any) -> Project:
    """A project with labelled fields of eight cells in every split, and a pool whose labels are kept aside."""
    owner = project(**values)
    Project.objects.filter(pk=owner.pk).update(min_labelled=held_out)
    owner.refresh_from_db()
    splits = ["training"] * training + ["validation", "tuning", "test"] * held_out
    for split in splits:
        reading(picture(field(owner, split)), {"seg": 6, "myc": 2})
    for made in pool_fields(owner, pool):
        reading(made, {"seg": 6, "myc": 2}, source=Source.ORACLE, state=ReadingState.SEALED)
    return owner


def pool_fields(owner: Project, number: int, split: str = "training") -> Iterable[Field]:
    return [picture(field(owner, split)) for _ in range(number)]


def round_of(owner: Project, state: str = RoundState.TRAINING, **settings: Any) -> Round:
    number = owner.rounds.count() + 1
    return Round.objects.create(project=owner, number=number, state=state, settings=to_row(RoundSettings(**settings)))


def run_of(owner: Project, step: str = Step.TRAIN, in_round: Round | None = None, **values: Any) -> Run:
    return Run.objects.create(project=owner, round=in_round, step=step, settings=to_row(RoundSettings()), **values)


def model(owner: Project, label: str = "t1", *, accepted: bool = True, **values: Any) -> ModelVersion:
    kind = ModelKind.TEACHER if label.startswith("t") else ModelKind.STUDENT
    known: dict[str, Any] = {
        "variant": "yolo26n",
        "folder": f"{owner.key}/{label}",
        "sha256": "0" * 64,
        "classes": [1],
        "tile": 320,
        "shrink": 0.9,
        "threshold": 0.3,
        "card": {"classes": ["cell"], "class_map": {"1": 0}, "cell_px": 40.0, "median_px": None, "fill_px": 320},
    }
    return ModelVersion.objects.create(project=owner, kind=kind, label=label, accepted=accepted, **(known | values))
