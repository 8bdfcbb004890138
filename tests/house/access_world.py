"""A project in which one of everything exists, so that every address of the product leads to something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings as config
from django.utils import timezone

from annotation.actions.batches import Asked, publish_batch
from annotation.models import (
    Case,
    Cell,
    CellClass,
    Invitation,
    Membership,
    Notice,
    Prediction,
    Reading,
    ReferenceCell,
    Role,
    Snapshot,
    Source,
    Token,
    Transfer,
    TransferKind,
    TransferState,
    Upload,
)
from learning.models import Classifier
from learning.states import RoundState, Step
from tests.cast import Cast, make_cast
from tests.learning import rows


@dataclass(frozen=True, slots=True)
class World:
    """The cast, and what stands for each word in brackets of a route: by the word before it, else alone."""

    cast: Cast
    places: dict[str, str]

    def path(self, route: str) -> str:
        """A route of Django's with each <converter:word> filled in. Raises KeyError for a word nobody thought of."""
        path, before = "/", ""
        for part in re.split(r"(<[^>]+>)", route):
            if part.startswith("<"):
                word = part.strip("<>").rpartition(":")[2]
                near = before.strip("/").rpartition("/")[2]
                known = self.places.get(f"{near}/{word}", self.places.get(word))
                if known is None:
                    raise KeyError(f"{route}: what stands for {near}/{word}? Say it in tests/house/access_world.py")
                path += known
            else:
                path += part
                before = part
        return path


def make_world(cast: Cast | None = None) -> World:
    config.IMAGES_DIR.mkdir(parents=True, exist_ok=True)
    cast = cast or make_cast()
    project = cast.project
    case = Case.objects.create(project=project, code="C1")
    field, waiting = rows.picture(rows.field(project)), rows.picture(rows.field(project))
    type(field).objects.filter(pk__in=[field.pk, waiting.pk]).update(case=case)
    reading = rows.reading(field, {"seg": 2})
    opened = Reading.objects.create(field=waiting, author=cast.ana, source=Source.DRAWN)
    cell = Cell.objects.filter(reading=reading).first()
    cell_class = CellClass.objects.get(project=project, key="seg")
    assert cell is not None
    reference = ReferenceCell.objects.create(cell_class=cell_class, cell=cell)
    teacher, student = rows.model(project, "t1"), rows.model(project, "s1")
    prediction = Prediction.objects.create(
        field=waiting, model_id=student.pk, model_label="s1", cell_class=cell_class, kind="circle",
        points=[50.0, 50.0, 10.0], score=0.5,
    )  # fmt: skip
    round_ = rows.round_of(project, RoundState.LABELLING)
    run = rows.run_of(project, Step.TRAIN, round_, state="succeeded")
    batch = publish_batch(
        project=project, number=1, strategy="random", seed=0, asked=[Asked(waiting, 1.0, "by chance")]
    )
    type(round_).objects.filter(pk=round_.pk).update(batch=batch, teacher=teacher, student=student)
    transfer = Transfer.objects.create(project=project, kind=TransferKind.IMPORT, state=TransferState.RECEIVING)
    export = Transfer.objects.create(project=project, kind=TransferKind.EXPORT, state=TransferState.FAILED)
    upload = Upload.objects.create(transfer=transfer, name="a.png", size=10)
    release = Snapshot.objects.create(project=project, sha256="0" * 64, purpose="export", name="first")
    classifier = Classifier.objects.create(
        project=project,
        label="c1",
        snapshot=release,
        folder="study/c1",
        sha256="3" * 64,
        card={"classes": ["seg", "myc"]},
    )
    unsure = CellClass.objects.get(project=project, key="unsure")
    asking = Cell.objects.create(
        project=project, reading=opened, author=cast.ana, cell_class=unsure, provenance="drawn",
        kind="circle", points=[60.0, 60.0, 20.0], x0=40, y0=40, x1=80, y1=80,
    )  # fmt: skip
    tomorrow = timezone.now() + timedelta(days=1)
    invitation = Invitation.objects.create(
        project=project, role=Role.ANNOTATOR, secret_sha256="1" * 64, ends_at=tomorrow
    )
    token = Token.objects.create(user=cast.ana, name="x", secret_sha256="2" * 64, start="x", ends_at=tomorrow)
    member = Membership.objects.get(user=cast.ana)
    notice = Notice.objects.create(project=project, kind="round_failed", event="x", text="x", path="/")
    places = {
        "key": project.key,
        "code": waiting.code,
        "number": "1",
        "label": "t1",
        "classifiers/label": classifier.label,
        "level": "0",
        "column": "0",
        "secret": "unknown-secret",
        "who": "MQ",
        "name": "field",
        "page": "index",
        "errors/table": "misses",
        "row": "0",
        "uuid": str(cell.uuid),
        "opinions/uuid": str(asking.uuid),
        "classify/uuid": "00000000-0000-4000-8000-000000000000",
        "uploads/uuid": str(upload.uuid),
        "files/uuid": str(upload.uuid),
        "notices/pk": str(notice.pk),
        "people/pk": str(member.pk),
        "invitations/pk": str(invitation.pk),
        "tokens/pk": str(token.pk),
        "cases/pk": str(case.pk),
        "readings/pk": str(opened.pk),
        "runs/pk": str(run.pk),
        "transfers/pk": str(transfer.pk),
        "exports/pk": str(export.pk),
        "releases/pk": str(release.pk),
        "references/pk": str(reference.pk),
        "predictions/pk": str(prediction.pk),
        "batches/number": str(batch.number),
        "classes/number": str(cell_class.number),
    }
    return World(cast, places)
