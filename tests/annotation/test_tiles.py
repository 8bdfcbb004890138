"""Large pictures in tiles: every pixel as it is stored, and who may see them."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from PIL import Image

from annotation.imaging import ingest
from annotation.imaging.tiles import ensure_tiles, is_tiled, levels_of, make_tiles, tile_path
from annotation.models import Field
from tests.cast import Cast
from tests.learning import rows


def picture(path: Path, width: int, height: int) -> Image.Image:
    """Coarse noise, so that every tile is another."""
    noise = np.random.default_rng(3).integers(0, 255, (height // 40, width // 40, 3)).astype(np.uint8)
    made = Image.fromarray(noise).resize((width, height), Image.Resampling.NEAREST)
    made.save(path, compress_level=1)
    return made


def joined(folder: Path, sha256: str, level: int, width: int, height: int) -> Image.Image:
    whole = Image.new("RGB", (width, height))
    for top in range(0, height, 512):
        for left in range(0, width, 512):
            with Image.open(tile_path(folder, sha256, level, left // 512, top // 512)) as tile:
                whole.paste(tile, (left, top))
    return whole


def test_the_tiles_of_a_level_are_the_picture_without_loss(tmp_path: Path) -> None:
    made = picture(tmp_path / "large.png", 2000, 1400)
    ensure_tiles(tmp_path / "large.png", tmp_path, sha256="ab12")
    assert levels_of(2000, 1400) == 2
    assert joined(tmp_path, "ab12", 0, 2000, 1400).tobytes() == made.tobytes()
    assert joined(tmp_path, "ab12", 1, 1000, 700).tobytes() == made.reduce(2).tobytes()
    assert sorted(path.name for path in (tmp_path / "tiles" / "ab" / "ab12").iterdir()) == ["0", "1"]


def test_two_who_come_at_once_make_them_once(tmp_path: Path) -> None:
    picture(tmp_path / "large.png", 1200, 800)
    comers = [
        threading.Thread(target=ensure_tiles, args=(tmp_path / "large.png", tmp_path), kwargs={"sha256": "cd34"})
        for _ in range(2)
    ]
    for comer in comers:
        comer.start()
    for comer in comers:
        comer.join()
    assert tile_path(tmp_path, "cd34", 0, 2, 1).exists()
    assert [path for path in (tmp_path / "tiles" / "cd").iterdir() if path.name.startswith(".new")] == []


def test_a_field_of_12000_by_9000_pixels_comes_in_and_is_cut(tmp_path: Path) -> None:
    """Flat, so that the test takes seconds: it is the size that is asked for."""
    Image.new("RGB", (12000, 9000), (200, 180, 210)).save(tmp_path / "huge.png", compress_level=1)
    stored = ingest(tmp_path / "huge.png", tmp_path / "store", settings.MAX_MEGAPIXELS)
    assert (stored.width, stored.height, levels_of(12000, 9000)) == (12000, 9000, 5)
    assert is_tiled(stored.width, stored.height)
    (tmp_path / "tiles").mkdir()
    assert (
        make_tiles(tmp_path / "store" / stored.path, tmp_path / "tiles" / "one")
        == 24 * 18 + 12 * 9 + 6 * 5 + 3 * 3 + 2 * 2
    )
    with Image.open(tmp_path / "tiles" / "one" / "0" / "23-17.png") as last:
        assert last.size == (12000 - 23 * 512, 9000 - 17 * 512)
    with Image.open(tmp_path / "tiles" / "one" / "4" / "0-0.png") as smallest:
        assert smallest.getpixel((0, 0)) == (200, 180, 210)


@pytest.fixture
def large(cast: Cast) -> Field:
    """A field that is said to be large; its picture is wide and low, so that it is made in a moment."""
    settings.IMAGES_DIR.mkdir(exist_ok=True)
    field = rows.field(cast.project)
    Field.objects.filter(pk=field.pk).update(width=6400, height=120)
    picture(settings.IMAGES_DIR / field.file, 6400, 120)
    field.refresh_from_db()
    return field


def test_whoever_sees_the_field_sees_its_tiles(cast: Cast, large: Field) -> None:
    told = cast.client("ana").get(f"/api/projects/study/fields/{large.code}/workbench/").json()["field"]["tiles"]
    assert (told["size"], told["levels"]) == (512, 4)
    address = f"{told['address']}0/12-0.png?v={told['version']}"
    answer = cast.client("ana").get(address)
    assert answer.status_code == 200
    assert "immutable" in answer["Cache-Control"]
    with (
        Image.open(io.BytesIO(b"".join(answer.streaming_content))) as tile,  # type: ignore[attr-defined]
        Image.open(settings.IMAGES_DIR / large.file) as whole,
    ):
        assert tile.tobytes() == whole.crop((12 * 512, 0, 6400, 120)).tobytes()
    assert cast.client("otto").get(address).status_code == 404
    assert cast.client("ana").get(f"{told['address']}0/13-0.png").status_code == 404


def test_a_small_field_is_shown_in_one_piece(cast: Cast) -> None:
    field = rows.field(cast.project)
    told = cast.client("ana").get(f"/api/projects/study/fields/{field.code}/workbench/").json()["field"]
    assert told["tiles"] is None
    assert cast.client("ana").get(f"/projects/study/fields/{field.code}/tiles/0/0-0.png").status_code == 404
