from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models_zoo.images import read_rgb, resize, working_size


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16", "RGB"])
def test_every_kind_of_picture_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "field.tif"
    if mode == "I;16":
        Image.fromarray(np.full((20, 30), 65535, np.uint16)).save(path)
    else:
        Image.new("RGB", (30, 20), "white").convert(mode).save(path)
    image = read_rgb(path)
    assert image.shape == (20, 30, 3)
    assert image.dtype == np.uint8
    assert (image == 255).all()


def test_sixteen_bits_keep_their_greys(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 100 * 257, np.uint16)).save(tmp_path / "deep.png")
    assert (read_rgb(tmp_path / "deep.png") == 100).all()


def test_transparent_glass_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_rgb(tmp_path / "clear.png") == 255).all()


def test_orientation_is_applied(tmp_path: Path) -> None:
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[:, :10] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    image = read_rgb(str(tmp_path / "turned.png"))
    assert image.shape == (20, 10, 3)
    assert (image[:10] == 200).all()
    assert (image[10:] == 0).all()


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    Image.effect_noise((64, 64), 50).save(broken)
    broken.write_bytes(broken.read_bytes()[:900])
    with pytest.raises(ValueError, match=r"broken\.png cannot be read"):
        read_rgb(broken)
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(ValueError, match=r"text\.jpg cannot be read"):
        read_rgb(tmp_path / "text.jpg")
    with pytest.raises(FileNotFoundError):
        read_rgb(tmp_path / "absent.png")


@pytest.mark.parametrize("scale", [0.25, 0.37, 0.618, 1.0, 1.3, 2.0])
def test_a_point_of_the_field_lies_at_its_scaled_place(scale: float) -> None:
    rows, columns = np.mgrid[:310, :407]
    image = np.stack([columns * 0.6, rows * 0.6, rows * 0], 2).round().astype(np.uint8)
    small = resize(image, scale)
    assert small.shape[:2][::-1] == working_size(407, 310, scale)
    inner = small[5:-5, 5:-5].astype(float)
    y, x = np.mgrid[5 : small.shape[0] - 5, 5 : small.shape[1] - 5] + 0.5
    assert np.abs(inner[..., 0] - (x / scale - 0.5) * 0.6).max() < 1.1
    assert np.abs(inner[..., 1] - (y / scale - 0.5) * 0.6).max() < 1.1


def test_shrinking_averages_instead_of_picking() -> None:
    board = np.indices((64, 64)).sum(0) % 2 * 255
    small = resize(np.repeat(board[..., None], 3, 2).astype(np.uint8), 0.25)
    assert np.abs(small[2:-2, 2:-2].astype(float) - 127.5).max() < 8


def test_a_scale_must_be_positive() -> None:
    assert working_size(3, 3, 0.01) == (1, 1)
    assert working_size(300, 300, 1 / 3) == (100, 100)
    with pytest.raises(ValueError, match="scale must be a positive number"):
        working_size(10, 10, 0.0)
