"""Web on one machine, worker on another, no disk in common: what each makes the other sees, by the store."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from django.conf import settings as config
from django.urls import reverse

from annotation import store
from annotation.actions.snapshots import read_snapshot, take_snapshot
from annotation.actions.transfers import start_export
from annotation.actions.transfers_work import execute_transfer
from annotation.models import Field, TransferState
from annotation.store import StoreError
from learning.exchange import path_of
from learning.sharing import Sender, shared
from tests.annotation.uploading import imported, png, uploaded, voc
from tests.bucket import Bucket
from tests.cast import Cast
from tests.learning import rows
from tests.learning.test_models import register, trained
from tests.machines import Machines, machines, server

__all__ = ["machines", "server"]


def test_an_upload_is_imported_elsewhere_and_its_pictures_come_back(
    cast: Cast, machines: Machines, server: Bucket
) -> None:
    machines.on("web")
    files = {"a.png": png(1), "a.xml": voc("a.png", "seg", "seg"), "b.png": png(2)}
    transfer = uploaded(cast.project, cast.ada, files)
    machines.on("worker")
    done = imported(transfer, cast.ada)
    assert done.state == TransferState.SUCCEEDED, done.error
    assert done.result["objects_stored"] == 2
    left = [name for name in server.names() if "/files/" in name]
    assert left == [], "what was uploaded may name patients and goes when it is imported"

    field = Field.objects.filter(project=cast.project).order_by("pk")[0]
    machines.on("web")
    browser = cast.client("ada")
    for name in ("picture", "thumbnail"):
        answer = browser.get(reverse(name, args=[cast.project.key, field.code]))
        assert answer.status_code == 200
        assert answer.getvalue()

    machines.on("worker")
    what: dict[str, Any] = {"format": "coco", "split": "", "images": True, "signed_off": False, "release": None}
    asked = start_export(project=cast.project, actor=cast.ada, **what)
    exported = execute_transfer(asked)
    assert exported.state == TransferState.SUCCEEDED, exported.error
    machines.on("web")
    answer = browser.get(reverse("transfer_download", args=[cast.project.key, exported.pk]))
    assert len(answer.getvalue()) == exported.result["bytes"]
    assert browser.get(reverse("transfer_manifest", args=[cast.project.key, exported.pk])).status_code == 200


def test_a_picture_that_cannot_be_had_just_now_is_asked_for_again(cast: Cast, machines: Machines) -> None:
    field = rows.field(cast.project)
    machines.settings.STORE = machines.settings.STORE | {"endpoint_url": "http://127.0.0.1:9"}
    answer = cast.client("ana").get(reverse("picture", args=[cast.project.key, field.code]))
    assert answer.status_code == 503
    assert "cannot reach its store" in answer.content.decode()


@pytest.mark.django_db
def test_snapshot_and_model_of_one_machine_are_read_on_the_other(machines: Machines) -> None:
    home = machines.on("worker")
    field = rows.field(rows.project())
    rows.reading(field, {"seg": 3})
    snapshot = take_snapshot(project=field.project, purpose="training", fields=Field.objects.all())
    model = register(field.project, trained(home / "trained"))
    shutil.rmtree(home / "models")
    web = machines.on("web")
    assert [len(reading.cells) for reading in read_snapshot(snapshot)] == [3]
    assert store.size(model.path / "weights.pt") == len("weights weights.pt")
    assert not model.path.exists(), "only asked how large it is"
    assert model.onnx.read_text() == "weights weights.onnx"
    assert model.onnx.is_relative_to(web)
    config.IMAGES_DIR.mkdir(parents=True)
    rows.picture(field)
    store.share(config.IMAGES_DIR / field.file)
    machines.on("worker")
    assert path_of(field).exists()


@pytest.mark.django_db
def test_the_next_attempt_goes_on_elsewhere_and_the_log_is_one(machines: Machines) -> None:
    run = rows.run_of(rows.project(), attempt=1)
    machines.on("one")
    with shared(run):
        (run.folder / "attempt1" / "model").mkdir(parents=True)
        (run.folder / "attempt1" / "model" / "resume.pt").write_bytes(b"epoch 3")
        (run.folder / "attempt1" / "model" / "last.pt").write_bytes(b"half")
        (run.folder / "snapshot").write_text("7")
        run.log.write_text("one\n")
    machines.on("two")
    with shared(run):
        assert (run.folder / "attempt1" / "model" / "resume.pt").read_bytes() == b"epoch 3"
        assert (run.folder / "snapshot").read_text() == "7"
        assert not (run.folder / "attempt1" / "model" / "last.pt").exists()
        with run.log.open("a") as log:
            log.write("two\n")
    machines.on("web")
    assert store.fetch_larger(run.log).read_text() == "one\ntwo\n"


@pytest.mark.django_db
def test_a_store_that_is_away_ends_no_run_and_what_waits_goes_later(machines: Machines, server: Bucket) -> None:
    run = rows.run_of(rows.project())
    known = machines.settings.STORE
    machines.on("worker")
    run.folder.mkdir(parents=True)
    run.log.write_text("line\n")
    sender = Sender(run.folder)
    machines.settings.STORE = known | {"endpoint_url": "http://127.0.0.1:9"}
    with shared(run):
        pass
    with pytest.raises(StoreError):
        sender.send()
    machines.settings.STORE = known
    sender.send()
    assert server.names() == [f"study/runs/{run.pk}/log.txt"]
