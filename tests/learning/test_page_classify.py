"""One cell: a picture that is brought or a cell of a field, asked about on a page and answered by a worker."""

from __future__ import annotations

import base64
import io
import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

import models_zoo
from annotation.models import Cell, Field, Project, Snapshot
from learning.actions.classifying import answer_next
from learning.found.judged import JudgedCell, mistakes, write_judged
from learning.models import CellQuestion, Classifier
from tests.cast import Cast
from tests.learning import findings, rows

BASE = "/projects/study/classify/"
SIDE = 32


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """What the network was shown: a stand-in that finds heat in the middle of whatever it sees."""
    asked: list[tuple[Any, Any]] = []

    def explain(_model: Path, image: Any, box: Any = None) -> Any:
        asked.append((image, box))
        heat = np.zeros((SIDE, SIDE), np.float32)
        heat[12:20, 12:20] = 1
        x0, y0, x1, y1 = box or (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
        return SimpleNamespace(
            classes=(("seg", 0.75), ("myc", 0.25)),
            crop=np.full((SIDE, SIDE, 3), 200, np.uint8),
            heat=heat,
            square=(x0, y0, x1, y1),
            steps=(f"read as {image.shape[1]} x {image.shape[0]} pixels", "resized to 32 x 32 pixels"),
        )

    monkeypatch.setattr(models_zoo, "explain_cell", explain)
    return asked


def classifier(owner: Project) -> Classifier:
    snapshot = Snapshot.objects.create(project=owner, sha256="c" * 64, purpose="training", counts={})
    card = {
        "classes": ["seg", "myc"],
        "parameters": {"backbone": "resnet10t"},
        "tile": SIDE,
        "cells_trained_on": 8,
        "epochs": 3,
        "best_epoch": 2,
        "curves": [{"loss": 1.0, "val_loss": 2.0, "accuracy": 0.5, "val_accuracy": 0.5}] * 3,
    }
    metrics = {"tuning": {"accuracy": 0.875, "cells": 8, "macro": {"f1": 0.8}, "confusion": [[4, 0], [1, 3]]}}
    return Classifier.objects.create(
        project=owner, label="c1", snapshot=snapshot, folder="study/c1", sha256="d" * 64, card=card, metrics=metrics
    )


def picture(size: tuple[int, int] = (40, 30), kind: str = "PNG", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 120, 160)).save(out, kind, **more)
    return out.getvalue()


def brought(client: Client, data: bytes, name: str = "cell.png") -> Any:
    return client.post(BASE, {"picture": SimpleUploadedFile(name, data)})


@pytest.mark.django_db
def test_without_a_classifier_the_page_says_how_one_is_trained(cast: Cast, home: Path) -> None:
    text = cast.client("ana").get(BASE).content.decode()
    assert "manage.py train_classifier study" in text
    assert brought(cast.client("ana"), picture()).status_code == 422
    assert not CellQuestion.objects.exists()


@pytest.mark.django_db
def test_a_picture_is_answered_and_nothing_of_it_stays(cast: Cast, home: Path, seen: list[Any]) -> None:
    classifier(cast.project)
    client = cast.client("ana")
    text = client.get(BASE).content.decode()
    assert "best epoch: 2" in text
    assert "accuracy 0.875" in " ".join(text.split())
    place = brought(client, picture())["Location"]
    waiting = client.get(place).content.decode()
    assert "A worker looks at it" in waiting
    assert "delay:1s" in waiting
    assert answer_next()
    assert not answer_next(), "nothing else waits"
    answered = client.get(place).content.decode()
    for words in ("75.0%", "25.0%", "Read as 40 x 30 pixels", "no diagnosis", "data:image/png;base64,"):
        assert words in answered
    assert "inside the contour" not in answered
    assert "delay:1s" not in answered
    question = CellQuestion.objects.get()
    assert bytes(question.picture) == b""
    crop = Image.open(io.BytesIO(base64.b64decode(question.answer["crop"])))
    assert crop.size == (SIDE, SIDE)
    assert cast.client("rui").get(place).status_code == 404, "nobody else sees it"
    CellQuestion.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    answer_next()
    assert client.get(place).status_code == 404


@pytest.mark.django_db
def test_the_part_that_is_asked_for_again_is_not_the_whole_page(cast: Cast, home: Path, seen: list[Any]) -> None:
    classifier(cast.project)
    client = cast.client("ana")
    place = brought(client, picture())["Location"]
    part = client.get(place, headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<div id="answer"')


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7 no picture", "a PDF"),
        (b"", "empty"),
        (b"plain words", "damaged or of another kind"),
        (picture((400, 400), "JPEG")[:900], "damaged or not whole"),
        (picture((7, 30)), "too few to show a cell"),
    ],
)
def test_what_is_no_picture_of_a_cell_is_refused_with_the_reason(
    cast: Cast, home: Path, data: bytes, words: str
) -> None:
    classifier(cast.project)
    answer = brought(cast.client("ana"), data)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not CellQuestion.objects.exists()


@pytest.mark.django_db
def test_a_picture_above_the_limit_of_the_setting_is_refused(cast: Cast, home: Path, settings: Settings) -> None:
    assert settings.CELL_UPLOAD_MB == 10
    settings.CELL_UPLOAD_MB = 1
    classifier(cast.project)
    answer = brought(cast.client("ana"), picture() + b"0" * 1_000_001)
    assert answer.status_code == 422
    assert "may have 1 MB" in answer.content.decode()
    assert "Choose a picture" in cast.client("ana").post(BASE).content.decode()


@pytest.mark.django_db
def test_a_picture_is_turned_as_its_camera_noted(cast: Cast, home: Path, seen: list[Any]) -> None:
    classifier(cast.project)
    exif = Image.Exif()
    exif[0x0112] = 6
    brought(cast.client("ana"), picture((40, 30), "JPEG", exif=exif.tobytes()), "cell.jpg")
    answer_next()
    assert seen[0][0].shape == (40, 30, 3)


@pytest.mark.django_db
def test_a_labelled_cell_is_asked_about_with_the_share_of_heat_inside_it(
    cast: Cast, home: Path, seen: list[Any]
) -> None:
    field = findings.fields(cast.project, ["tuning"])[0]
    cell = Cell.objects.filter(reading=field.current_reading).order_by("pk")[0]
    client, place = cast.client("ana"), f"/projects/study/cells/{cell.uuid}/"
    assert "There is no classifier yet" in client.get(place).content.decode()
    classifier(cast.project)
    answer = client.post(place)
    answer_next()
    assert seen[0][1] == (5.0, 5.0, 25.0, 25.0), "the box of the circle"
    text = client.get(answer["Location"]).content.decode()
    assert "100% of the heat lies inside the contour" in text
    assert client.get(f"/projects/study/cells/{rows.field(cast.project).pk:032}/").status_code == 404


@pytest.mark.django_db
def test_who_reads_a_field_blind_is_told_nothing(cast: Cast, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    field = findings.fields(cast.project, ["tuning"])[0]
    classifier(cast.project)
    monkeypatch.setattr("learning.actions.classifying.may_see_predictions", lambda _actor, _field: False)
    cell = Cell.objects.filter(reading=field.current_reading).first()
    assert cell is not None
    answer = cast.client("ana").post(f"/projects/study/cells/{cell.uuid}/")
    assert answer.status_code == 422
    assert "read without predictions" in answer.content.decode()


@pytest.mark.django_db
def test_the_confusion_matrix_opens_the_cells_that_were_mistaken(
    cast: Cast, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = findings.fields(cast.project, ["tuning"])[0]
    mistaken, right, gone = Cell.objects.filter(reading=field.current_reading).order_by("pk")[:3]
    one, client = classifier(cast.project), cast.client("ana")
    matrix = " ".join(client.get(BASE).content.decode().split())
    link = "/projects/study/classifiers/c1/mistakes/?split=tuning&amp;truth=myc&amp;found=seg"
    assert matrix.count("/mistakes/") == 1
    assert link in matrix
    place = link.replace("&amp;", "&")
    assert "was not kept" in client.get(place).content.decode()

    one.path.mkdir(parents=True)
    (one.path / "judged.json").write_text('{"tuning": [1')
    assert "was not kept" in client.get(place).content.decode()
    said = [(mistaken, 1, 0, 0.75), (right, 1, 1, 0.9), (gone, 0, 1, 0.8)]
    write_judged(one.path, {"tuning": [JudgedCell(str(cell.uuid), true, now, sure) for cell, true, now, sure in said]})
    text = client.get(place).content.decode()
    assert f"/projects/study/cells/{mistaken.uuid}/" in text
    assert "Taken for Segmented neutrophil, 0.75" in text
    assert str(right.uuid) not in text
    assert str(gone.uuid) not in text, "another place of the matrix"
    everything = "/projects/study/classifiers/c1/mistakes/?split=tuning"
    assert client.get(everything).content.decode().index(str(gone.uuid)) < text.index(str(mistaken.uuid))
    picture_of = f"/projects/study/cells/{mistaken.uuid}/picture/"
    assert Image.open(io.BytesIO(b"".join(client.get(picture_of)))).size

    Cell.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    assert "deleted, or whose field was labelled anew" in client.get(everything).content.decode()
    monkeypatch.setattr("learning.views.mistakes.may_see_predictions", lambda _actor, _field: False)
    assert str(mistaken.uuid) not in client.get(everything).content.decode()


@pytest.mark.django_db
def test_a_network_that_breaks_is_told_and_the_picture_goes_all_the_same(
    cast: Cast, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(models_zoo, "explain_cell", broken)
    classifier(cast.project)
    client = cast.client("ana")
    place = brought(client, picture())["Location"]
    answer_next()
    assert "broke off" in client.get(place).content.decode()
    assert bytes(CellQuestion.objects.get().picture) == b""


@pytest.mark.training
@pytest.mark.django_db
def test_a_classifier_is_trained_on_the_cells_of_a_project_and_answers(
    cast: Cast, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = findings.fields(cast.project, ["training", "training", "validation", "tuning"])
    wish = ["--backbone", "resnet10t", "--side", "32", "--epochs", "2", "--batch", "8", "--min-cells", "2"]
    call_command("train_classifier", "study", *wish, "--device", "cpu", "--json")
    said = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert said["classifier"] == "c1"
    assert said["cells_trained_on"] == 16
    assert said["metrics"]["tuning"]["cells"] == 8
    made_now = Classifier.objects.get()
    assert made_now.onnx.is_file()
    mistaken = mistakes(made_now.path, "tuning")
    table = said["metrics"]["tuning"]["confusion"]
    assert mistaken is not None
    assert len(mistaken) == sum(map(sum, table)) - sum(table[i][i] for i in range(len(table)))
    assert {one.uuid for one in mistaken} <= {str(uuid) for uuid in Cell.objects.values_list("uuid", flat=True)}
    cell = Cell.objects.filter(reading=Field.objects.get(pk=made[0].pk).current_reading).first()
    assert cell is not None
    answer = cast.client("ana").post(f"/projects/study/cells/{cell.uuid}/")
    assert answer_next()
    question = CellQuestion.objects.get()
    assert question.error == ""
    assert sum(score for _, score in question.answer["classes"]) == pytest.approx(1, abs=0.001)
    assert "resized to 32 x 32 pixels" in " ".join(question.answer["steps"])
    text = cast.client("ana").get(answer["Location"]).content.decode()
    assert "Show SmoothGrad as well" in text
    assert cast.client("rui").post(answer["Location"]).status_code == 404, "it is for who asked"
    cast.client("ana").post(answer["Location"])
    cast.client("ana").post(answer["Location"])  # twice is as good as once
    assert answer_next()
    assert not answer_next()
    question.refresh_from_db()
    assert "smooth_error" not in question.answer
    assert Image.open(io.BytesIO(base64.b64decode(question.answer["smooth"]))).size == (32, 32)
    text = cast.client("ana").get(answer["Location"]).content.decode()
    assert "pixels whose change would change it most" in text
