"""Pictures of fields: whole, small, cut out; who sees them, and how long a browser keeps them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from PIL import Image

from annotation.imaging.thumbnails import crop, thumbnail
from annotation.models import Field, ReferenceCell
from annotation.views.pictures import picture_address
from tests.cast import Cast
from tests.learning import rows


@pytest.fixture
def shown(cast: Cast) -> Field:
    settings.IMAGES_DIR.mkdir(exist_ok=True)
    return rows.picture(rows.field(cast.project, size=400))


def content(answer: Any) -> bytes:
    """All bytes; the file behind them is closed then."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_picture_is_the_stored_file_byte_for_byte(cast: Cast, shown: Field) -> None:
    answer = cast.client("ana").get(f"/projects/study/fields/{shown.code}/picture/")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert content(answer) == (settings.IMAGES_DIR / shown.file).read_bytes()
    assert answer["Cache-Control"] == "private, no-cache"


def test_a_picture_is_sent_once(cast: Cast, shown: Field) -> None:
    client = cast.client("ana")
    first = client.get(picture_address(shown))
    content(first)
    assert first["Cache-Control"] == "private, max-age=31536000, immutable"
    again = client.get(picture_address(shown), headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content


def test_an_address_with_another_hash_is_not_kept(cast: Cast, shown: Field) -> None:
    answer = cast.client("ana").get(f"/projects/study/fields/{shown.code}/picture/?v=ffffffffffff")
    content(answer)
    assert answer["Cache-Control"] == "private, no-cache"


def test_a_thumbnail_is_small_and_made_once(cast: Cast, shown: Field) -> None:
    client = cast.client("lea")
    answer = client.get(picture_address(shown, "thumbnail"))
    assert answer["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(content(answer))) as image:
        assert image.size == (320, 320)
    (settings.IMAGES_DIR / shown.file).unlink()
    assert content(client.get(picture_address(shown, "thumbnail"))).startswith(b"\xff\xd8")


@pytest.mark.parametrize("name", ["picture", "thumbnail"])
def test_a_picture_that_is_gone_is_not_found(cast: Cast, name: str) -> None:
    field = rows.field(cast.project)
    assert cast.client("ana").get(picture_address(field, name)).status_code == 404


@pytest.mark.parametrize("name", ["picture", "thumbnail"])
def test_outsiders_see_no_picture(cast: Cast, shown: Field, name: str) -> None:
    assert cast.client("otto").get(picture_address(shown, name)).status_code == 404
    assert cast.client("nobody").get(picture_address(shown, name)).status_code == 302


def test_a_field_of_another_project_is_not_found_by_its_code(cast: Cast, shown: Field) -> None:
    other = rows.picture(rows.field(rows.project()))
    assert cast.client("ana").get(f"/projects/study/fields/{other.code}/picture/").status_code == 404


def test_a_reference_cell_is_cut_out_of_its_field(cast: Cast, shown: Field) -> None:
    cell = rows.reading(shown, {"seg": 1}).cells.get()
    reference = ReferenceCell.objects.create(cell_class=cell.cell_class, cell=cell)
    address = f"/projects/study/references/{reference.pk}/picture/"
    answer = cast.client("ana").get(address)
    with Image.open(io.BytesIO(content(answer))) as image:
        assert image.size == (160, 160)
    assert cast.client("otto").get(address).status_code == 404


def test_a_thumbnail_is_turned_as_a_person_sees_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = tmp_path / "turned.jpg"
    Image.new("RGB", (800, 400)).save(source, exif=exif)
    with Image.open(thumbnail(source, tmp_path / "kept", sha256="ab" * 32)) as image:
        assert image.size == (160, 320)


def test_a_cell_at_the_border_stays_in_the_middle_of_its_picture(tmp_path: Path) -> None:
    source = tmp_path / "field.png"
    Image.new("RGB", (100, 100), (200, 0, 0)).save(source)
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    with Image.open(crop(source, tmp_path / "kept", sha256=sha256, bounds=(-10, -10, 10, 10))) as image:
        pixels = image.convert("RGB")
        grey, red = pixels.getpixel((10, 10)), pixels.getpixel((150, 150))
    assert isinstance(grey, tuple)
    assert isinstance(red, tuple)
    assert max(grey) - min(grey) < 12
    assert red[0] > 180
    assert red[1] < 20


def test_a_picture_of_immense_bounds_is_small_all_the_same(tmp_path: Path) -> None:
    source = tmp_path / "field.png"
    Image.new("RGB", (100, 100), (200, 0, 0)).save(source)
    with Image.open(crop(source, tmp_path / "kept", sha256="ab" * 32, bounds=(-1e9, -1e9, 1e9, 1e9))) as image:
        assert image.size == (160, 160)
