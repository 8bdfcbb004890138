"""The pictures of fields: whole, small, and cut out round a reference cell.

An address that carries the picture's hash never shows another picture, so the browser may keep it for good; without
the hash it asks each time and is told in a few bytes that nothing changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from annotation import store
from annotation.access import Permission
from annotation.imaging.reading import DECODE_ERRORS, RefusedImage
from annotation.imaging.thumbnails import crop
from annotation.imaging.thumbnails import thumbnail as make_thumbnail
from annotation.imaging.tiles import TILE_PX, ensure_tiles, is_tiled, levels_of, tile_path
from annotation.models import Cell, Field, ReferenceCell
from annotation.views.entry import enter

HASH_LETTERS = 12
_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


def picture_address(field: Field, name: str = "picture") -> str:
    """The address of a field's `picture` or `thumbnail` that the browser may keep. Needs `project` selected along."""
    return f"{reverse(name, args=[field.project.key, field.code])}?v={field.sha256[:HASH_LETTERS]}"


@login_required
@require_safe
def picture(request: HttpRequest, key: str, code: str) -> HttpResponseBase:
    """The field's stored file, byte for byte."""
    field = _field(request, key, code)
    return _sent(request, store.fetch(settings.IMAGES_DIR / field.file), field.sha256)


@login_required
@require_safe
def thumbnail(request: HttpRequest, key: str, code: str) -> HttpResponseBase:
    field = _field(request, key, code)
    try:
        small = make_thumbnail(store.fetch(settings.IMAGES_DIR / field.file), _folder(), sha256=field.sha256)
    except (RefusedImage, *DECODE_ERRORS) as error:
        raise Http404("The picture of this field cannot be read.") from error
    return _sent(request, small, field.sha256)


@login_required
@require_safe
def tile(request: HttpRequest, key: str, code: str, level: int, column: int, row: int) -> HttpResponseBase:
    """A piece of a large picture, without loss. Whoever asks first waits while all pieces are made."""
    field = _field(request, key, code)
    if not is_tiled(field.width, field.height):
        raise Http404("This picture is shown in one piece.")
    path = tile_path(_folder(), field.sha256, level, column, row)
    if not path.exists():
        try:
            ensure_tiles(store.fetch(settings.IMAGES_DIR / field.file), _folder(), sha256=field.sha256)
        except (RefusedImage, *DECODE_ERRORS) as error:
            raise Http404("The picture of this field cannot be read.") from error
    return _sent(request, path, field.sha256)


def tiles_of(field: Field) -> dict[str, Any] | None:
    """Where the tiles of a large picture are found; None for one that is shown in one piece."""
    if not is_tiled(field.width, field.height):
        return None
    return {
        "address": picture_address(field).partition("?")[0].replace("/picture/", "/tiles/"),
        "version": field.sha256[:HASH_LETTERS],
        "size": TILE_PX,
        "levels": levels_of(field.width, field.height),
    }


@login_required
@require_safe
def reference(request: HttpRequest, key: str, pk: int) -> HttpResponseBase:
    """What a reference cell looks like, cut out of its field."""
    entry = enter(request, key)
    found = get_object_or_404(
        ReferenceCell.objects.select_related("cell__reading__field"), pk=pk, cell_class__project=entry.project
    )
    return _cut_out(request, found.cell)


@login_required
@require_safe
def asking(request: HttpRequest, key: str, uuid: UUID) -> HttpResponseBase:
    """What a cell looks like whose reader asks for a second opinion, cut out of its field."""
    entry = enter(request, key, Permission.REVIEW)
    cells = Cell.objects.asking().select_related("reading__field")
    return _cut_out(request, get_object_or_404(cells, project=entry.project, uuid=uuid))


@login_required
@require_safe
def cell_picture(request: HttpRequest, key: str, uuid: UUID) -> HttpResponseBase:
    """What a labelled cell looks like, cut out of its field."""
    entry = enter(request, key)
    cells = Cell.objects.alive().filter(project=entry.project, reading__field__current_reading=F("reading"))
    return _cut_out(request, get_object_or_404(cells.select_related("reading__field"), uuid=uuid))


def _cut_out(request: HttpRequest, cell: Cell) -> HttpResponseBase:
    field = cell.reading.field
    bounds = (cell.x0, cell.y0, cell.x1, cell.y1)
    try:
        cut = crop(store.fetch(settings.IMAGES_DIR / field.file), _folder(), sha256=field.sha256, bounds=bounds)
    except (RefusedImage, *DECODE_ERRORS) as error:
        raise Http404("The picture of this cell cannot be read.") from error
    return _sent(request, cut, cut.stem)


def _folder() -> Path:
    return Path(settings.HOME) / "thumbnails"


def _field(request: HttpRequest, key: str, code: str) -> Field:
    return get_object_or_404(Field, project=enter(request, key).project, code=code)


def _sent(request: HttpRequest, path: Path, sha256: str) -> HttpResponseBase:
    etag = f'"{sha256}"'
    answer: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if answer is None:
        try:
            answer = FileResponse(path.open("rb"), content_type=_TYPES.get(path.suffix, "application/octet-stream"))
        except OSError as error:
            raise Http404("The picture of this field is gone from the store.") from error
    answer["ETag"] = etag
    is_lasting = request.GET.get("v", "") == sha256[:HASH_LETTERS]
    answer["Cache-Control"] = "private, max-age=31536000, immutable" if is_lasting else "private, no-cache"
    return answer
