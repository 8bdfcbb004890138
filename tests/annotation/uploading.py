"""Uploads as tests make them: files in memory, sent by the client or by the actions, and worked on at once."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import orjson
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from PIL import Image

from annotation.actions.imports import ImportOptions
from annotation.actions.transfers import start_import, start_preview
from annotation.actions.transfers_work import execute_transfer
from annotation.actions.uploads import Offered, offer_files, receive_part, start_upload
from annotation.models import Project, Transfer


def png(seed: int = 0, **saved: Any) -> bytes:
    """Noise of 64 x 48: no two seeds look alike."""
    return picture("PNG", seed, **saved)


def picture(kind: str, seed: int = 0, **saved: Any) -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, kind, **saved)
    return out.getvalue()


def voc(image: str, *boxes: str) -> bytes:
    """Labels of Pascal VOC: one box for each name, side by side."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{4 + 12 * place}</xmin><ymin>4</ymin>"
        f"<xmax>{14 + 12 * place}</xmax><ymax>20</ymax></bndbox></object>"
        for place, name in enumerate(boxes)
    )
    return f"<annotation><filename>{image}</filename>{objects}</annotation>".encode()


def uploaded(project: Project, actor: User, files: dict[str, bytes]) -> Transfer:
    """An upload with these files, each whole or refused."""
    offered = [Offered(name, len(data)) for name, data in files.items()]
    transfer = start_upload(project=project, files=offered, actor=actor)
    for row, data in zip(offer_files(transfer=transfer, files=offered, actor=actor), files.values(), strict=True):
        if row.completed_at is None:
            receive_part(upload=row, offset=0, data=data, actor=actor)
    return transfer


def previewed(transfer: Transfer, actor: User, **options: Any) -> Transfer:
    start_preview(transfer=transfer, options=ImportOptions(**options), actor=actor)
    return execute_transfer(transfer)


def imported(transfer: Transfer, actor: User, **options: Any) -> Transfer:
    start_import(transfer=transfer, options=ImportOptions(**options), actor=actor)
    return execute_transfer(transfer)


def offer(client: Client, project: Project, files: dict[str, bytes]) -> tuple[str, list[dict[str, Any]]]:
    """The address of the upload's page, and the rows, as the page's script gets them."""
    body = orjson.dumps({"files": [{"name": name, "size": len(data)} for name, data in files.items()]})
    began = client.post(reverse("upload", args=[project.key]), body, content_type="application/json")
    assert began.status_code == 201, began.content
    told = client.post(began.json()["files"], body, content_type="application/json")
    assert told.status_code == 200, told.content
    return began.json()["page"], told.json()["files"]


def put(client: Client, row: dict[str, Any], offset: object, data: bytes) -> Any:
    return client.put(f"{row['address']}?offset={offset}", data, content_type="application/octet-stream")
