"""The demo project that waits at the first start: fields drawn by the generator, some labelled, a batch to label, and a
round that is about to run."""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings as config
from PIL import Image

from annotation.access import Actor
from annotation.actions.batches import Asked, open_batch, publish_batch
from annotation.actions.imports import ImportOptions, import_dataset
from annotation.actions.predictions import publish_predictions
from annotation.actions.projects import create_project
from annotation.models import Field, Project
from learning.actions.rounds import start_round
from learning.settings import RoundSettings
from learning.starter import adopt_starter
from learning.steps.predict import predict_fields
from learning.weights import starter_onnx
from models_zoo.generator import FieldSettings, GeneratedField, SetSettings, generate_set, write_set

Report = Callable[[int, int | None], None]

KEY, NAME = "demo", "Demo: generated marrow"
FIELDS, CASES, SEED = 40, 10, 23
# Of the first cases all fields are labelled, of the others none: splits are drawn by case.
LABELLED = 24
FIELD = FieldSettings(blur_share=0.0)
BATCH = 8
# Small enough to end in some minutes on one core, beside people who label.
ROUND = RoundSettings(teacher="yolo26n", epochs=4, student_epochs=3, budget=6, seed=SEED)
WHY = "drawn at random: the first fields of a project, before a model has ranked any"


def seed_demo(*, actor: Actor, report: Report | None = None) -> str:
    """Make the demo project and queue its first round; returns its key. Raises Refused where its key is taken."""
    report = report or _silent
    steps = FIELDS + 5
    with _scratch() as folder:
        made_ready = threading.Thread(target=starter_onnx)  # six seconds of another process, meanwhile fields are drawn
        made_ready.start()
        for number in _draw(Path(folder)):
            report(number, steps)
        made_ready.join()
        project = create_project(name=NAME, key=KEY, um_per_px=FIELD.um_per_px, public=True, actor=actor, client="demo")
        _import(project, Path(folder), actor)
        report(FIELDS + 2, steps)
        _first_batch(project, Path(folder))
        report(FIELDS + 4, steps)
    start_round(project=project, settings=ROUND, actor=actor)
    report(steps, steps)
    return project.key


def _silent(_done: int, _total: int | None) -> None:
    """Nobody wants to know."""


def _scratch() -> tempfile.TemporaryDirectory[str]:
    config.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="demo-", dir=config.SCRATCH_DIR)


def _draw(folder: Path) -> Iterator[int]:
    """The labelled fields as a data set, the others as plain pictures; yields how many are drawn."""
    fields = generate_set(FIELDS, SEED, CASES, SetSettings(FIELD))
    labelled = [next(fields) for _ in range(LABELLED)]
    yield LABELLED
    write_set(folder / "labelled", labelled)
    (folder / "pool").mkdir()
    for number, field in enumerate(fields, start=LABELLED + 1):
        Image.fromarray(field.image).save(folder / "pool" / _file_name(field, number), compress_level=3)
        yield number


def _file_name(field: GeneratedField, number: int) -> str:
    return f"{field.slide}-field-{number:05}.png"


def _import(project: Project, folder: Path, actor: Actor) -> None:
    seed = ImportOptions(seed=SEED)
    import_dataset(project=project, path=folder / "labelled", options=seed, actor=actor, client="demo")
    pattern = r"^(?P<case>case-\d+)-(?P<slide>slide-\d+)"
    pictures = ImportOptions(format="images", split="pool", case_pattern=pattern, seed=SEED)
    import_dataset(project=project, path=folder / "pool", options=pictures, actor=actor, client="demo")


def _first_batch(project: Project, folder: Path) -> None:
    """Fields to label at once, with what the starter weights see on them."""
    pool = list(Field.objects.filter(project=project).pool().select_related("case").order_by("pk"))
    fields = random.Random(SEED).sample(pool, min(BATCH, len(pool)))
    model = adopt_starter(project=project, scratch=folder)
    predicted = predict_fields(model, fields, folder / "batch.npz", "cpu")
    publish_predictions(
        project=project,
        model_id=model.pk,
        model_label=model.label,
        fields=fields,
        suggestions=predicted.suggestions,
    )
    asked = [Asked(field, 0.0, WHY) for field in fields]
    open_batch(batch=publish_batch(project=project, number=0, strategy="random", seed=SEED, asked=asked))
