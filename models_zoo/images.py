"""Reading and resizing pictures: one rule for training and for inference, so that a network meets what it learned."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from models_zoo.records import FieldRecord

Pixels = NDArray[np.uint8]

# Bright-field glass is white where nothing lies, so what is transparent becomes white.
_GLASS = (255, 255, 255, 255)


def read_rgb(path: Path | str) -> Pixels:
    """The picture in `path` as uint8 (h, w, 3), turned as its EXIF orientation says.

    Grey, palette, CMYK and 16-bit pictures are converted; transparent pixels become white. Raises
    FileNotFoundError where there is no such file, ValueError where it cannot be decoded. Size is not limited here:
    whoever takes pictures from strangers checks that at the door.
    """
    try:
        with warnings.catch_warnings(), Image.open(path) as stored:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return np.array(_eight_bit_rgb(ImageOps.exif_transpose(stored)))
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}") from error


def read_field(record: FieldRecord) -> Pixels:
    """The picture of a field; raises ValueError, naming the field, where it cannot be read or has another size than
    its record says."""
    try:
        image = read_rgb(record.path)
    except ValueError as error:
        raise ValueError(f"field {record.key}: {error}") from error
    if image.shape[:2] != (record.height, record.width):
        height, width = image.shape[:2]
        raise ValueError(
            f"field {record.key}: {record.path} is {width} x {height} pixels, "
            f"but the field is recorded as {record.width} x {record.height}; import it again"
        )
    return image


def _eight_bit_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        # Pillow's own conversion would clip everything above 255 to white.
        deep = np.asarray(picture, np.float64) / 257.0
        return Image.fromarray(np.clip(np.rint(deep), 0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, _GLASS), seen).convert("RGB")
    return picture.convert("RGB")


def working_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """Width and height of a field of that size after `resize` by `scale`: rounded down, at least 1."""
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"the scale must be a positive number of working pixels per field pixel, not {scale}")
    # 1e-6 keeps 300 * (1 / 3) at 100.
    return max(1, math.floor(width * scale + 1e-6)), max(1, math.floor(height * scale + 1e-6))


def resize(image: Pixels, scale: float) -> Pixels:
    """`image` (h, w, 3) with `scale` working pixels per field pixel, bilinear, antialiased where it shrinks.

    A point (x, y) of the field lies at exactly (x * scale, y * scale): where the new side would end inside a
    pixel, that last part of a pixel is left out instead of stretching the whole picture.
    """
    if scale == 1.0:
        return image
    height, width = image.shape[:2]
    new_width, new_height = working_size(width, height, scale)
    seen = (0.0, 0.0, min(float(width), new_width / scale), min(float(height), new_height / scale))
    return np.asarray(Image.fromarray(image).resize((new_width, new_height), Image.Resampling.BILINEAR, box=seen))
