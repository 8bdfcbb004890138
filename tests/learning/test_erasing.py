"""Erasing a case: nothing of it is left in any row or file, and all else is as it was."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.conf import settings as config
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS
from pytest_django import Settings

from annotation.actions.snapshots import read_snapshot, take_snapshot
from annotation.errors import Refused
from annotation.models import (
    Batch,
    BatchField,
    Case,
    Cell,
    DatasetImport,
    Erasure,
    Event,
    Field,
    Prediction,
    Project,
    ReferenceCell,
    Rejection,
    Slide,
    Transfer,
)
from learning.actions.erasing import erase_case
from learning.found.tables import DETECTION, FIELD, LABEL, About, Found
from learning.keeping import rows as lines
from learning.states import RoundState, RunState
from tests.annotation.calling import call
from tests.cast import Cast
from tests.learning import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
NAME = "Meier-Anna-1961.png"


@pytest.fixture(autouse=True)
def own_home(home: Path, settings: Settings) -> None:
    settings.HOME, settings.TRANSFERS_DIR = home, home / "transfers"


@dataclass
class World:
    project: Project
    case: Case
    needles: set[str]  # what would betray the case, wherever it stood
    pictures: list[Path]


def a_case(project: Project, code: str, name: str) -> tuple[Case, list[Field]]:
    case = Case.objects.create(project=project, code=code)
    slide = Slide.objects.create(case=case, code=f"{code}-slide")
    fields = [rows.picture(rows.field(project)) for _ in range(2)]
    for number, field in enumerate(fields):
        field.case, field.slide, field.original_name = case, slide, name if number == 0 else f"second-{name}"
        field.save()
        reading = rows.reading(field, {"seg": 3, "myc": 1})
        cell = reading.cells.all()[0]
        Event.objects.create(project=project, cell=cell, reading=reading, verb="drawn", after={"uuid": str(cell.uuid)})
        prediction = Prediction.objects.create(
            field=field, model_id=1, model_label="s1", cell_class=cell.cell_class, kind="circle", points=[1], score=0.5
        )
        Rejection.objects.create(reading=reading, prediction=prediction)
        ReferenceCell.objects.create(cell_class=cell.cell_class, cell=cell)
    return case, fields


def make_world(project: Project) -> World:
    case, fields = a_case(project, "PAT-0815", NAME)
    _, others = a_case(project, "PAT-4711", "other.png")
    batch = Batch.objects.create(project=project, number=0, strategy="random")
    for rank, field in enumerate([*fields, *others], start=1):
        BatchField.objects.create(batch=batch, field=field, rank=rank, score=0, reason="drawn by chance")
    uuids = {str(uuid) for uuid in Cell.objects.filter(reading__field__case=case).values_list("uuid", flat=True)}
    rejected = [{"file": f"images/{NAME}", "reason": "no box"}, {"file": "images/other.png", "reason": "no box"}]
    DatasetImport.objects.create(project=project, format="coco", rejected=rejected)
    snapshot = take_snapshot(project=project, purpose="training", fields=project.fields.all(), name="paper")
    leave_transfers(project, fields)
    leave_model(project, fields, others, snapshot)
    run = rows.run_of(project, state=RunState.SUCCEEDED)
    (run.folder / "attempt1").mkdir(parents=True)
    (run.folder / "attempt1" / "tile.txt").write_text(fields[0].sha256)
    run.log.write_text(f"epoch 1\nreading {case.code}-{fields[0].code}\nepoch 2\n")
    crops = config.HOME / "thumbnails"
    for field in fields:
        (crops / field.sha256[:2]).mkdir(parents=True, exist_ok=True)
        (crops / field.sha256[:2] / f"{field.sha256}.jpg").write_bytes(b"small")
        tiles = crops / "tiles" / field.sha256[:2] / field.sha256 / "0"
        tiles.mkdir(parents=True)
        (tiles / "0-0.png").write_bytes(b"a tile")
    (crops / "crops").mkdir()
    (crops / "crops" / "abc.jpg").write_bytes(b"a cell")
    needles = {case.code, NAME, *uuids, *(field.sha256 for field in fields)}
    return World(project, case, needles, [config.IMAGES_DIR / field.file for field in fields])


def leave_transfers(project: Project, fields: list[Field]) -> None:
    for kind in ("import", "export"):
        transfer = Transfer.objects.create(
            project=project, kind=kind, state="succeeded", result={"rejected": [NAME]}, error=f"{NAME}: no image"
        )
        transfer.folder.mkdir(parents=True)
        (transfer.folder / "faults.jsonl").write_text(NAME)
        with zipfile.ZipFile(transfer.folder / "data.zip", "w") as archive:
            archive.writestr(NAME, "pixels")


def leave_model(project: Project, fields: list[Field], others: list[Field], snapshot: Any) -> None:
    """t1 learned from both cases, s1 from t1; t2 from nobody."""
    teacher = rows.model(project, "t1", snapshot=snapshot)
    rows.model(project, "s1", teacher=teacher, accepted=True)
    rows.model(project, "t2")
    teacher.path.mkdir(parents=True)
    records = [{"key": str(field.pk), "path": field.file} for field in [*fields, *others]]
    records_of_both = {"variant": "yolo26n", "training": records[:3], "validation": records[3:]}
    (teacher.path / "request.json").write_text(json.dumps(records_of_both))
    found_on([*fields, *others]).save(teacher.path)


def found_on(fields: list[Field]) -> Found:
    """Two labels and three detections a field; the last detection is near the field's second label."""
    count = len(fields)
    table, labels, detections = np.zeros(count + 1, FIELD), np.zeros(2 * count, LABEL), np.zeros(3 * count, DETECTION)
    for row, field in enumerate(fields):
        table[row] = (field.pk, field.current_reading_id, 0, 0, 2 * row, 3 * row)
        cells = list(Cell.objects.filter(reading=field.current_reading_id).order_by("pk"))
        labels["uuid"][2 * row : 2 * row + 2] = [cell.uuid.bytes for cell in cells[:2]]
        detections["match"][3 * row : 3 * row + 3] = [2 * row, -1, -1]
        detections["near"][3 * row : 3 * row + 3] = [2 * row, -1, 2 * row + 1]
        detections["score"][3 * row : 3 * row + 3] = field.pk
    table[-1] = (-1, -1, 0, -1, 2 * count, 3 * count)
    return Found(About((1,), ("cell",), 0.3, 1.0, 0.0, {}), table, labels, detections)


def everything() -> Iterator[tuple[str, bytes]]:
    """All rows of all tables, and all names and bytes of all files."""
    for table in lines.tables_of(apps, DEFAULT_DB_ALIAS):
        for line in lines.read_rows(table, DEFAULT_DB_ALIAS, lines.columns(table)):
            yield table._meta.db_table, line
    for path in config.HOME.rglob("*"):
        if path.is_file() and path.suffix != ".lock":
            yield str(path), str(path).encode() + path.read_bytes()


def places_of(needles: set[str]) -> set[str]:
    """Where one of them stands; uuids also as the bytes that tables of arrays hold."""
    wanted = [needle.encode() for needle in needles]
    wanted += [bytes.fromhex(needle.replace("-", "")) for needle in needles if needle.count("-") == 4]
    return {place for place, content in everything() if any(needle in content for needle in wanted)}


def test_nothing_of_the_case_is_left_and_all_else_stays() -> None:
    world = make_world(rows.project())
    assert len(places_of(world.needles)) > 12, "the world betrays the case in too few places to test anything"
    erasure = erase_case(case=world.case, confirm="PAT-0815", actor=None)
    assert places_of(world.needles) == set()
    assert not any(path.exists() for path in world.pictures)
    kept = world.project
    assert [case.code for case in kept.cases.all()] == ["PAT-4711"]
    assert (kept.fields.count(), Cell.objects.filter(project=kept).count()) == (2, 8)
    assert Prediction.objects.count() == Rejection.objects.count() == ReferenceCell.objects.count() == 2
    assert BatchField.objects.count() == 2
    assert [row["file"] for row in DatasetImport.objects.get().rejected] == ["[erased]", "images/other.png"]
    assert all((config.IMAGES_DIR / field.file).exists() for field in kept.fields.all())
    assert erasure.learned_by == ["t1", "s1"]
    counts = erasure.counts
    assert (counts["field"], counts["cell"], counts["case"], counts["pictures_removed"]) == (2, 8, 1, 2)
    assert Event.objects.get(verb="case erased").after == {"erasure": erasure.pk}
    run = kept.runs.get()
    assert run.log.read_text().splitlines() == ["epoch 1", "[erased]", "epoch 2"]


def test_a_release_is_reduced_and_says_so() -> None:
    world = make_world(rows.project())
    before = world.project.snapshots.get()
    old = config.SNAPSHOTS_DIR / f"{before.sha256}.jsonl"
    erase_case(case=world.case, confirm="PAT-0815", actor=None)
    after = world.project.snapshots.get()
    assert [frozen.case for frozen in read_snapshot(after)] == ["PAT-4711", "PAT-4711"]
    assert (after.name, after.counts["fields"], after.counts["cells"]) == ("paper", 2, 8)
    assert after.reductions[0]["before"] == before.sha256
    assert after.reductions[0]["readings"] == 2
    assert not old.exists()


def test_what_models_found_on_other_fields_is_as_it_was() -> None:
    world = make_world(rows.project())
    model = world.project.models.get(label="t1")
    others = list(world.project.fields.filter(case__code="PAT-4711"))
    erase_case(case=world.case, confirm="PAT-0815", actor=None)
    left = Found.open(model.path)
    assert left is not None
    whole = found_on(others)
    for name in ("fields", "labels", "detections"):
        assert np.array_equal(getattr(left, name), getattr(whole, name)), name
    request = json.loads((model.path / "request.json").read_text())
    keys = [record["key"] for record in request["training"] + request["validation"]]
    assert keys == [str(field.pk) for field in others]


def test_a_picture_that_another_case_has_stays() -> None:
    world = make_world(rows.project())
    twin = rows.field(rows.project())
    Field.objects.filter(pk=twin.pk).update(file=world.case.fields.all()[0].file)
    erasure = erase_case(case=world.case, confirm="PAT-0815", actor=None)
    assert (erasure.counts["pictures_kept"], erasure.counts["pictures_removed"]) == (1, 1)
    assert [path.exists() for path in world.pictures] == [True, False]


def test_what_stands_in_the_way_is_told_and_nothing_goes(cast: Cast) -> None:
    world = make_world(cast.project)
    before = sorted(everything())

    def erase_beside(row: Any) -> None:
        try:
            erase_case(case=world.case, confirm="PAT-0815", actor=cast.ada)
        finally:
            row.delete()

    with pytest.raises(Refused, match="type its code"):
        erase_case(case=world.case, confirm="PAT-4711", actor=cast.ada)
    with pytest.raises(Refused, match="round 1 is at work"):
        erase_beside(rows.round_of(cast.project, RoundState.TRAINING))
    with pytest.raises(Refused, match="a worker looks"):
        erase_beside(rows.run_of(cast.project, "predict", state=RunState.QUEUED))
    with pytest.raises(Refused, match="an export"):
        erase_beside(Transfer.objects.create(project=cast.project, kind="export"))
    for who in ("ana", "rui", "lea", "otto"):
        with pytest.raises(PermissionDenied):
            erase_case(case=world.case, confirm="PAT-0815", actor=getattr(cast, who))
    assert sorted(everything()) == before


def test_by_page_by_api_and_by_command(cast: Cast) -> None:
    codes = {code: a_case(cast.project, code, f"{code}.png")[0] for code in ("CASE-1", "CASE-2", "CASE-3")}
    page = f"/projects/{cast.project.key}/cases/{codes['CASE-1'].pk}/erase/"
    client = cast.client("ada")
    assert b"Type CASE-1" in client.get(page).content
    wrong = client.post(page, {"confirm": "case"})
    assert wrong.status_code == 422
    assert b"Nothing was erased" in wrong.content
    assert client.post(page, {"confirm": "CASE-1"}).status_code == 302
    path = f"projects/{cast.project.key}/cases/{codes['CASE-2'].pk}/erase/"
    assert call(client, "post", path, {"confirm": "CASE-2"}, status=201)["counts"]["field"] == 2
    out = StringIO()
    with pytest.raises(CommandError, match="type its code"):
        call_command("erase_case", cast.project.key, "CASE-3", "--confirm", "no")
    call_command("erase_case", cast.project.key, "CASE-3", "--confirm", "CASE-3", "--json", stdout=out)
    assert json.loads(out.getvalue())["counts"]["case"] == 1
    assert not cast.project.cases.exists()
    record = client.get(f"/projects/{cast.project.key}/cases/erased/").content.decode()
    assert record.count("<section") == Erasure.objects.count() == 3
    assert "CASE-" not in record
