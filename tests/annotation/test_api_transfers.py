"""Data in and out by the API: sent in parts, looked at, imported, exported, downloaded in ranges."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from django.conf import settings as config
from django.test import Client
from PIL import Image

from annotation.actions.transfers_work import execute_transfer
from annotation.models import Case, Field, Transfer
from tests.annotation.calling import call
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def lea(cast: Cast) -> Client:
    config.IMAGES_DIR.mkdir(parents=True, exist_ok=True)
    return cast.client("lea")


def picture() -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (64, 80, 3)).astype(np.uint8)
    Image.fromarray(noise).save(stream, "png")
    return stream.getvalue()


def worked(number: int) -> Transfer:
    return execute_transfer(Transfer.objects.get(pk=number))


def put(client: Client, path: str, data: bytes, status: int = 200) -> Any:
    answer = client.put(f"/api/{path}", data, content_type="application/octet-stream")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_from_a_file_to_a_field(cast: Cast, lea: Client) -> None:
    data = picture()
    offer = {"files": [{"name": "Mustermann/a.png", "size": len(data)}]}
    number = call(lea, "post", "projects/study/uploads/", offer, status=201)["id"]
    path = f"projects/study/transfers/{number}/"
    (file,) = call(lea, "post", f"{path}files/", offer)["files"]
    assert (file["received"], file["whole"], "name" in file) == (0, False, False)
    part = f"{path}files/{file['uuid']}/"
    assert put(lea, f"{part}?offset=0", data[:100])["received"] == 100
    assert put(lea, f"{part}?offset=0", data[:100], 409)["received"] == 100
    assert put(lea, f"{part}?offset=100", data[100:])["whole"] is True
    put(lea, part, b"x", 400)
    assert call(lea, "get", f"{path}files/")["count"] == 1
    call(cast.client("ada"), "delete", part, status=403)
    said = {"case_by": "one", "case": "C9", "split": "training"}
    assert call(lea, "post", f"{path}preview/", said, status=202)["state"] == "queued"
    assert worked(number).state == "succeeded", worked(number).error
    looked = call(lea, "get", path)
    assert looked["result"]["images"] == 1
    assert not Field.objects.exists(), "a preview imports nothing"
    call(lea, "post", f"{path}import/", status=202)
    worked(number)
    assert call(lea, "get", path)["state"] == "succeeded"
    assert Field.objects.get().split == "training"
    assert Case.objects.get().code == "C9", "what was said for the preview holds"
    assert "Mustermann" not in str(call(lea, "get", "projects/study/transfers/?kind=import"))


def test_settings_of_an_import_are_checked(cast: Cast, lea: Client) -> None:
    number = call(lea, "post", "projects/study/uploads/", {"files": []}, status=201)["id"]
    path = f"projects/study/transfers/{number}/preview/"
    for name, value in {"format": "tiff", "split": "x", "oracle": 101, "um_per_px": -1, "class_map": []}.items():
        assert name in call(lea, "post", path, {name: value}, status=400)["faults"]
    assert call(lea, "post", path, {}, status=422)["message"]
    call(lea, "post", f"projects/study/transfers/{number}/discard/")
    assert call(lea, "get", f"projects/study/transfers/{number}/faults/") == {"faults": []}
    call(cast.client("ana"), "post", path, {}, status=403)


def test_an_export_is_downloaded_in_ranges(cast: Cast, lea: Client) -> None:
    rows.reading(rows.picture(rows.field(cast.project)), {"seg": 2})
    made = call(lea, "post", "projects/study/exports/", {"format": "coco", "images": True}, status=202)
    path = f"projects/study/transfers/{made['id']}/"
    call(lea, "get", f"{path}download/", status=404)
    worked(made["id"])
    told = call(lea, "get", path)
    assert (told["state"], told["result"]["objects_out"]) == ("succeeded", 2)
    whole = lea.get(f"/api/{path}download/")
    archive = b"".join(whole.streaming_content)  # type: ignore[attr-defined]
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(archive)).namelist()
    part = lea.get(f"/api/{path}download/", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert b"".join(part.streaming_content) == archive[10:20]  # type: ignore[attr-defined]
    assert lea.get(f"/api/{path}download/", headers={"Range": "bytes=99999999-"}).status_code == 416
    call(cast.client("ana"), "get", f"{path}download/", status=403)
    call(cast.client("otto"), "get", f"{path}download/", status=404)


def test_a_release_is_made_read_and_exported(cast: Cast, lea: Client) -> None:
    rows.reading(rows.picture(rows.field(cast.project)), {"seg": 3})
    made = call(lea, "post", "projects/study/releases/", {"name": "2026-11", "notes": "first"}, status=202)
    worked(made["id"])
    (release,) = call(lea, "get", "projects/study/releases/")["results"]
    assert (release["name"], release["counts"]["cells"]) == ("2026-11", 3)
    assert call(lea, "get", f"projects/study/releases/{release['id']}/") == release
    assert call(lea, "get", f"projects/study/transfers/{made['id']}/")["release"] == release["id"]
    assert "already" in call(lea, "post", "projects/study/releases/", {"name": "2026-11"}, status=422)["message"]
    body = {"format": "voc", "release": release["id"]}
    assert call(lea, "post", "projects/study/exports/", body, status=202)["release"] == release["id"]
    call(lea, "post", "projects/study/exports/", body | {"release": 999}, status=404)


def test_cancelled_and_tried_again(cast: Cast, lea: Client) -> None:
    made = call(lea, "post", "projects/study/exports/", {"format": "coco"}, status=202)
    path = f"projects/study/transfers/{made['id']}/"
    assert call(lea, "post", f"{path}cancel/", status=202)["state"] == "cancelled"
    assert "ended" in call(lea, "post", f"{path}cancel/", status=422)["message"]
    assert call(lea, "post", f"{path}retry/", status=202)["state"] == "queued"
